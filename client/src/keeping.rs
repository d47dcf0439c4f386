//! Keeping synced: a sync whenever something waits for one, again after a failure, at once when the network is back.

use crate::client::Client;
use crate::sync::{Sync, SyncOptions};
use crate::workers::Turn;
use kitbag_core::store::Noticed;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// After a save, so that several in a row go together.
const GATHER: Duration = Duration::from_secs(3);
/// Where nothing waits, what others wrote is fetched this often.
const FETCH: Duration = Duration::from_secs(15 * 60);

/// Keeps a client synced until it is dropped, or the client is closed.
pub struct KeptSynced {
    task: tokio::task::JoinHandle<()>,
    nudge: Arc<Notify>,
}

impl KeptSynced {
    /// The network is back, or somebody looks at the screen: syncs now.
    pub fn now(&self) {
        self.nudge.notify_one();
    }
}

impl Drop for KeptSynced {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sync<'_> {
    /// Syncs now, three seconds after each save, and every fifteen minutes; after a failure at the time that
    /// [`kitbag_core::engine::LastSync::next_try`] names, however often something is saved meanwhile.
    /// [`KeptSynced::now`] ends any waiting. While the client is suspended it waits.
    pub fn keep(&self, options: SyncOptions) -> KeptSynced {
        let nudge = Arc::new(Notify::new());
        let (client, nudged) = (self.0.clone(), Arc::clone(&nudge));
        let task = self.0.inner().runtime.spawn(keep(client, nudged, options));
        KeptSynced { task, nudge }
    }
}

async fn keep(client: Client, nudged: Arc<Notify>, options: SyncOptions) {
    let mut changes = client.inner().listeners.listen(Noticed::default());
    loop {
        _ = client.sync().start(options).ended().await;
        let wait = wait_of(&client).await;
        let until = sleep(wait.unwrap_or(FETCH));
        tokio::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => break,
                () = nudged.notified() => {
                    _ = client.sync().network_returned().await;
                    break;
                }
                noticed = changes.next() => match noticed {
                    None => return,
                    // What a sync itself brought calls for no other, and neither does a failure.
                    Some(noticed) if wait.is_none() && may_wait(&noticed) => {
                        let waits = client.sync().status().await;
                        if waits.is_ok_and(|status| status.waiting.entries > 0) {
                            sleep(GATHER).await;
                            break;
                        }
                    }
                    Some(_) => {}
                },
            }
        }
    }
}

fn may_wait(noticed: &Noticed) -> bool {
    noticed.is_many || !noticed.records.is_empty()
}

/// How long a failed sync is not tried again; `None` where the last did not fail.
async fn wait_of(client: &Client) -> Option<Duration> {
    client.write(Turn::Later, |engine| engine.next_sync_in()).await.ok()?
}
