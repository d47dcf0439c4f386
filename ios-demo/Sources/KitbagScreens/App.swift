import Foundation
import KitbagClient

/// One screen: what it shows now, and what its acts do.
@MainActor
open class Screen {
    public let app: App
    private var waits: [Task<Void, Never>] = []
    /// For how many acts it waits now.
    private(set) var waiting = 0

    init(_ app: App) { self.app = app }

    /// What it shows now.
    func page() async throws -> Page { Page("", "", []) }

    /// Where its way back leads.
    func back() async throws { app.leave(self) }

    /// Whether it is shown no more.
    private(set) var isLeft = false

    /// It is not shown any more.
    final func gone() {
        isLeft = true
        left()
    }

    /// What it waits for is not wanted any more.
    func left() {
        waits.forEach { $0.cancel() }
        waits = []
    }

    /// How long it stays open while nobody touches the phone, in seconds.
    var locksAfter: TimeInterval { Phone.idle }

    /// How often it is drawn anew by itself, in seconds, as what it says of time passes.
    var redrawnEach: Double { 30 }

    /// Waits for something while the screen is shown: nobody's tap has to wait for that.
    @discardableResult
    final func meanwhile(_ wait: @escaping Act) -> Task<Void, Never> {
        waiting += 1
        let task = app.launch {
            defer { self.waiting -= 1 }
            if !self.isLeft { try await wait() }
        }
        waits.append(task)
        return task
    }

    private var isWorking = false

    /// Asks the hub for something, once at a time: it may take long, and nobody's tap has to wait for it.
    final func work(_ work: @escaping Act) {
        guard !isWorking else { return }
        isWorking = true
        meanwhile {
            defer { self.isWorking = false }
            try await work()
        }
    }

    /// That it does, above what it shows.
    final func working() -> [Item] { isWorking ? [.progress(say("app-working"), done: 0, all: 0)] : [] }

    final var speech: Speech { app.speech }

    final func say(_ name: String, _ filled: String...) -> String { speech.words.say(name, filled) }
}

/// What is wrong, in words, above whatever the screen shows.
public struct Trouble: Error {
    public let text: String
}

/// The phone was locked while something was asked of who is on shift.
struct Locked: Error {}

/// The screens of the app, one above the other, and the page that is seen.
@MainActor
public final class App {
    public let phone: Phone
    public let speech: Speech
    /// The page that is seen, and who is told of another one.
    public private(set) var page = Page("starting", "", [], hasBack: false) {
        didSet { shown?(page) }
    }
    public var shown: (@MainActor (Page) -> Void)?
    private var screens: [Screen] = []
    private var turn: Task<Void, Never>?
    private(set) var isTapping = false
    /// What takes longer says that it is being done, in nanoseconds.
    private static let long: UInt64 = 500_000_000
    private static let tick: TimeInterval = 1
    private static let tickBehind: TimeInterval = 30
    private var trouble: Trouble?
    private var ticking: Task<Void, Never>?
    private var drawn: UInt64 = 0
    private var shownLast: UInt64 = 0
    /// How often somebody typed, and how often that was heard.
    public private(set) var typed: UInt64 = 0
    private var heard: UInt64 = 0
    private weak var watched: OnShift?
    private var watching: Task<Void, Never>?
    private var declared: [KindDeclaration]?

    public init(_ phone: Phone, _ words: any Words) {
        self.phone = phone
        speech = Speech(words: words, zone: phone.platform.zone)
    }

    /// Who is on shift.
    func shift() throws -> OnShift {
        guard let shift = phone.onShift else { throw Locked() }
        return shift
    }

    /// What people read of kinds, fields and codes, in this programme.
    func vocabulary() async throws -> Vocabulary {
        let language = speech.locale.language.languageCode?.identifier ?? "en"
        if declared == nil { declared = try await declarations(language: language) }
        let shift = try shift()
        return Vocabulary(declared ?? [], try await shift.kitbag.programme.packs(), speech, shift.device)
    }

    /// Begins where a person begins: with who is on shift.
    public func start() {
        launch {
            do {
                self.show(try await Shift.first(self))
            } catch {
                // Whatever it is: somebody may choose, and is told.
                self.show(Shift(self))
                throw error
            }
        }
        tick(Self.tick)
    }

    /// Looks at the time: whether it is to be locked, and whether what is said of time is old.
    private func tick(_ each: TimeInterval) {
        ticking?.cancel()
        ticking = Task { [weak self] in
            var passed = 0.0
            while !Task.isCancelled {
                try? await Task.sleep(nanoseconds: UInt64(each * 1e9))
                guard let self, !Task.isCancelled else { return }
                passed += each
                if self.isIdle {
                    self.lockAtOnce()
                } else if !self.isTapping, passed >= self.screens.last?.redrawnEach ?? 0 {
                    passed = 0
                    await self.redraw()
                }
            }
        }
    }

    /// The app is in front again: what waited is sent, and who was away for long unlocks it anew.
    public func came() {
        tick(Self.tick)
        if isIdle { return lockAtOnce() }
        launch { self.phone.syncNow() }
    }

    /// Another app is in front: this one looks at the time now and then, to lock.
    public func went() { tick(Self.tickBehind) }

    private var isIdle: Bool { phone.isIdle(after: screens.last?.locksAfter ?? Phone.idle) }

    /// Locks, whatever is being done: the first screen is the one that opens it.
    public func lockAtOnce() {
        // Nothing of before is seen while the store is being closed.
        drawn += 1
        shownLast = drawn
        page = Page("locking", "", [], hasBack: false)
        begin(Shift.locked(self))
        launch { try await self.phone.lock() }
    }

    private func watch() {
        guard phone.onShift !== watched else { return }
        watched = phone.onShift
        watching?.cancel()
        guard let kitbag = watched?.kitbag else { return }
        watching = Task { [weak self] in
            for await _ in kitbag.changes { await self?.redraw() }
        }
    }

    /// Ends everything that it waits for.
    public func end() {
        ticking?.cancel()
        watching?.cancel()
        screens.forEach { $0.gone() }
    }

    /// What a tap does, after what was typed before it; while another one is being done, nothing: whoever shakes taps twice.
    @discardableResult
    public func tap(_ act: @escaping Act) -> Task<Void, Never>? {
        guard !isTapping else { return nil }
        isTapping = true
        let long = Task {
            try await Task.sleep(nanoseconds: Self.long)
            self.page.items.insert(.progress(self.speech.say("app-working"), done: 0, all: 0), at: 0)
        }
        return inTurn {
            self.trouble = nil
            await self.guarded(act)
            long.cancel()
            // Before another tap: what is tapped then is what is seen.
            await self.redraw()
            self.isTapping = false
        }
    }

    /// What was typed is kept, in its order; the page is drawn anew once all of it was heard.
    @discardableResult
    public func typed(_ text: String, _ keep: @escaping @MainActor (String) async throws -> Void) -> Task<Void, Never> {
        phone.touch()
        typed += 1
        return inTurn {
            await self.guarded { try await keep(text) }
            self.heard += 1
            // Whoever turns the screen in the next moment sees it.
            if self.heard == self.typed, !self.isTapping { Task { await self.redraw() } }
        }
    }

    private func inTurn(_ work: @escaping @MainActor () async -> Void) -> Task<Void, Never> {
        let before = turn
        let now = Task {
            await before?.value
            await work()
        }
        turn = now
        return now
    }

    /// The platform's way back.
    @discardableResult
    public func back() -> Task<Void, Never>? { tap { try await self.screens.last?.back() } }

    /// Whether the way back leads out of the app.
    public var isAtFirst: Bool { screens.count <= 1 }

    /// Shows a screen above the others.
    func show(_ screen: Screen) { screens.append(screen) }

    /// Shows a screen in the place of the one above.
    func replace(_ screen: Screen) {
        screens.popLast()?.gone()
        screens.append(screen)
    }

    /// Shows this screen alone.
    func begin(_ screen: Screen) {
        screens.reversed().forEach { $0.gone() }
        screens = [screen]
    }

    /// Leaves a screen, with all above it.
    func leave(_ screen: Screen) {
        while screens.count > 1, screens.contains(where: { $0 === screen }) { screens.removeLast().gone() }
    }

    /// Leaves all but the first.
    func home() {
        while screens.count > 1 { screens.removeLast().gone() }
    }

    /// Says what is wrong, until the next tap.
    func say(_ text: String) { trouble = Trouble(text: text) }

    /// Draws the page that is seen anew.
    func redraw() async {
        guard let screen = screens.last else { return }
        drawn += 1
        let (number, heard) = (drawn, heard)
        watch()
        var page: Page?
        await guarded { page = try await screen.page() }
        var shown = page ?? Page("trouble", "", [])
        if let trouble { shown.items.insert(.words(trouble.text, tone: .bad, mark: .trouble), at: 0) }
        (shown.number, shown.heard) = (number, heard)
        // One that was begun later says what is true now, where it is shown already.
        guard screen === screens.last, number > shownLast else { return }
        shownLast = number
        self.page = shown
    }

    @discardableResult
    func launch(_ wait: @escaping Act) -> Task<Void, Never> {
        Task {
            await self.guarded(wait)
            // Whoever waited may have been left meanwhile, by what it waited for.
            Task { await self.redraw() }
        }
    }

    private func guarded(_ act: Act) async {
        do {
            try await act()
        } catch let failed as KitbagError {
            trouble = Trouble(text: failed.inWords)
        } catch is Locked {
            begin(Shift.locked(self))
        } catch is NoTeam {
            begin(Shift.locked(self))
        } catch is SecretGone {
            trouble = Trouble(text: speech.say("app-key_gone"))
        } catch is NoCamera {
            trouble = Trouble(text: speech.say("app-no_camera"))
        } catch is CancellationError {
        } catch let said as Trouble {
            trouble = said
        } catch {
            trouble = Trouble(text: speech.say("app-file_failed"))
        }
    }
}
