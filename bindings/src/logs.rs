//! Kitbag's logs, for the app's own: never what a record says. A sink that is slow, fails or blocks holds nobody up:
//! lines wait for it, and beyond a number of them are dropped and counted.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// How many lines wait for a sink at most.
const WAITING_MAX: usize = 1_000;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
#[allow(missing_docs)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

/// Takes Kitbag's log lines.
#[uniffi::export(with_foreign)]
pub trait LogSink: Send + Sync {
    /// A line, in English, for developers.
    fn log(&self, level: LogLevel, module: String, line: String);
}

/// Where lines go: to a thread of their sink's own, so that one that blocks holds up neither Kitbag nor the next sink.
static LINES: RwLock<Option<SyncSender<Told>>> = RwLock::new(None);
static DROPPED: AtomicU64 = AtomicU64::new(0);
type Told = (LogLevel, String, String);

/// A sink's thread; it ends when another sink takes its place.
fn listening(sink: Arc<dyn LogSink>) -> SyncSender<Told> {
    let (lines, waiting) = sync_channel::<Told>(WAITING_MAX);
    let take = move || {
        for (level, module, line) in waiting {
            // What a foreign sink throws ends with its line.
            let told = std::panic::AssertUnwindSafe(|| sink.log(level, module, line));
            _ = std::panic::catch_unwind(told);
        }
    };
    _ = std::thread::Builder::new().name("kitbag-log".to_owned()).spawn(take);
    lines
}

/// From now on this sink takes Kitbag's log lines, of information and above; nothing ends that.
#[uniffi::export]
pub fn set_log_sink(sink: Option<Arc<dyn LogSink>>) {
    *LINES.write().unwrap_or_else(PoisonError::into_inner) = sink.map(listening);
    // Where the process has a subscriber of its own, that one is told, and this is a second call.
    _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(ToSink));
}

/// How many lines were dropped, as a sink did not take them.
#[uniffi::export]
pub fn dropped_log_lines() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

struct ToSink;

impl<S: Subscriber> Layer<S> for ToSink {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            Level::INFO => LogLevel::Info,
            // Others' spans and traces are not for apps.
            Level::DEBUG | Level::TRACE => return,
        };
        let module = event.metadata().target();
        let lines = LINES.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(lines) = lines.filter(|_| module.starts_with("kitbag")) else { return };
        let mut line = Line(String::new());
        event.record(&mut line);
        match lines.try_send((level, module.to_owned(), line.0)) {
            Err(TrySendError::Full(_)) => _ = DROPPED.fetch_add(1, Ordering::Relaxed),
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
        }
    }
}

/// A line, as it is put together of an event's fields.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let gap = if self.0.is_empty() { "" } else { " " };
        _ = match field.name() {
            "message" => write!(self.0, "{gap}{value:?}"),
            name => write!(self.0, "{gap}{name}={value:?}"),
        };
    }
}
