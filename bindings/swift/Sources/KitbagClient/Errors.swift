import Foundation
internal import KitbagGenerated

/// What is wrong with one answer. It never holds the answer.
public struct Fault: Hashable, Sendable {
    /// The field; of a list's element `list.field`.
    public let field: String
    /// A stable code: `required`, `shape`, `contradicts`, …
    public let code: String
    /// The other field, where it takes two to be wrong.
    public let other: String?
    /// What people read beside the field, in the language of ``Kitbag/setLanguage(_:)``.
    public let inWords: String

    init(_ of: KitbagGenerated.Fault) {
        (field, code, other, inWords) = (of.field, of.code, of.other, of.inWords)
    }
}

/// What can go wrong: twelve kinds, each with a stable code to branch on and words for people. Kitbag throws nothing else,
/// but `CancellationError`.
public struct KitbagError: Error, LocalizedError, Hashable, Sendable {
    /// The kinds.
    public enum Kind: Hashable, Sendable {
        /// Answers do not hold what their fields allow: every fault at once. Nothing was saved.
        case invalid([Fault])
        /// This device may not do this, or not now. Nothing was changed.
        case notAllowed
        /// There is no such record, draft, team or the like here.
        case notFound
        /// Leaving now would lose so many entries that only this device has.
        case wouldLose(UInt64)
        /// What was given cannot be used: an argument, an invitation, a code pack. Nothing was changed.
        case notUsable(argument: String?)
        /// The device's storage is full: what was being saved is not saved.
        case storageFull
        /// Another program, or another ``Kitbag``, uses the store.
        case inUse
        /// The key does not open the store. No byte of it was changed.
        case wrongKey
        /// Another version of Kitbag is needed for this store.
        case otherVersion
        /// The store is damaged: nothing more is written to it; recover it.
        case damaged
        /// A sync did not end whole; what is here stays, and the next one goes on. The number is entries that wait, or a
        /// hub's status.
        case sync(UInt64?)
        /// The store was closed, or is suspended, or cannot be had; the code says which.
        case notOpen
    }

    /// Of which kind it is.
    public let kind: Kind
    /// The stable code.
    public let code: String
    /// What people read: what happened, and what to do next, in the language of ``Kitbag/setLanguage(_:)``.
    public let inWords: String

    public var errorDescription: String? { inWords }

    static var panicked: KitbagError { ofNotOpen("panicked") }

    private static func ofNotOpen(_ code: String) -> KitbagError {
        KitbagError(kind: .notOpen, code: code, inWords: message("error-\(code)"))
    }

    private init(kind: Kind, code: String, inWords: String) {
        (self.kind, self.code, self.inWords) = (kind, code, inWords)
    }

    init(_ of: KitbagGenerated.KitbagError) {
        switch of {
        case .Failed(let kind, let code, let number, let argument, let faults, let inWords):
            let own: Kind =
                switch kind {
                case .invalid: .invalid(faults.map(Fault.init))
                case .notAllowed: .notAllowed
                case .notFound: .notFound
                case .wouldLose: .wouldLose(number ?? 0)
                case .notUsable: .notUsable(argument: argument)
                case .storageFull: .storageFull
                case .inUse: .inUse
                case .wrongKey: .wrongKey
                case .otherVersion: .otherVersion
                case .damaged: .damaged
                case .sync: .sync(number)
                case .notOpen: .notOpen
                }
            self.init(kind: own, code: code, inWords: inWords)
        }
    }
}

/// A call across the boundary, with our errors. What was begun is done to its end, whether its caller is cancelled or not.
func crossing<T: Sendable>(_ call: @Sendable () async throws -> T) async throws -> T {
    do {
        return try await call()
    } catch let error as KitbagGenerated.KitbagError {
        throw KitbagError(error)
    } catch let error as CancellationError {
        throw error
    } catch let error as KitbagError {
        throw error
    } catch {
        // What uniffi itself throws: a panic, which ends this call alone.
        throw KitbagError.panicked
    }
}

/// The same for a call that waits for others: cancelling the task ends it.
func waiting<T: Sendable>(_ call: @Sendable (Cancel) async throws -> T) async throws -> T {
    let cancel = Cancel()
    return try await withTaskCancellationHandler {
        do {
            return try await crossing { try await call(cancel) }
        } catch let error as KitbagError where error.code == "cancelled" && Task.isCancelled {
            throw CancellationError()
        }
    } onCancel: {
        cancel.cancel()
    }
}

/// A call that answers at once.
func atOnce<T>(_ call: () throws -> T) throws -> T {
    do {
        return try call()
    } catch let error as KitbagGenerated.KitbagError {
        throw KitbagError(error)
    } catch {
        throw KitbagError.panicked
    }
}
