//! What changed, told to whoever shows it.

use kitbag_core::store::Noticed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::Notify;

/// What one listener has not asked for yet.
struct Waiting {
    noticed: Mutex<(Noticed, bool)>,
    some: Notify,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, (Noticed, bool)> {
        self.noticed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who listens; a listener that was dropped is forgotten.
#[derive(Default)]
pub(crate) struct Listeners(Mutex<Vec<Weak<Waiting>>>);

impl Listeners {
    /// Listens from now on; this comes first.
    pub(crate) fn listen(&self, first: Noticed) -> Changes {
        let waiting =
            Arc::new(Waiting { noticed: Mutex::new((first, false)), some: Notify::new() });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::downgrade(&waiting));
        Changes(waiting)
    }

    /// Tells all of it; nobody is waited for.
    pub(crate) fn tell(&self, noticed: &Noticed) {
        if noticed.is_nothing() {
            return;
        }
        self.each(|waiting| waiting.lock().0.add(noticed));
    }

    /// There is nothing more to come.
    pub(crate) fn end(&self) {
        self.each(|waiting| waiting.lock().1 = true);
    }

    fn each(&self, tell: impl Fn(&Waiting)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|listener| {
            let Some(waiting) = listener.upgrade() else { return false };
            tell(&waiting);
            waiting.some.notify_one();
            true
        });
    }
}

/// What changes in a store, summed up until it is asked for: who asks late gets one summary of all that came
/// meanwhile, and holds nobody up. It ends when the client is closed; dropping it ends it, too.
pub struct Changes(Arc<Waiting>);

impl Changes {
    /// Waits for a change after which something may look different; `None` once the client is closed.
    pub async fn next(&mut self) -> Option<Noticed> {
        loop {
            let told = self.0.some.notified();
            {
                let mut waiting = self.0.lock();
                let noticed = std::mem::take(&mut waiting.0);
                if !noticed.is_nothing() {
                    return Some(noticed);
                }
                if waiting.1 {
                    return None;
                }
            }
            told.await;
        }
    }
}
