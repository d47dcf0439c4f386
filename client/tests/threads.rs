//! Many threads on one client, and what is left of it afterwards. In a process of its own, so that all threads are its.

use kitbag_client::{Client, Error, Opening};
use kitbag_core::model::{CivilDate, Form, Kind};
use kitbag_core::store::{Search, StoreKey};

const THREADS: u64 = 1_000;

/// How many threads of clients there are in this process.
#[cfg(target_os = "linux")]
fn of_clients() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("a list of threads").flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("kitbag-")).count()
}

#[cfg(not(target_os = "linux"))]
fn of_clients() -> usize {
    0
}

fn reversal() -> Form {
    let day = CivilDate::from_epoch_day(20_000).expect("a day of the calendar");
    let mut form = Form::at(Kind::Reversal, "riverside", day).with_unknowns();
    form.put("outcome", "survived").expect("a field of the data dictionary");
    form
}

#[test]
fn a_thousand_threads_save_and_read_through_one_client_that_leaves_no_thread_behind() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let key = StoreKey::new([7; 32]);
    let opening = |name: &str| Opening::of(folder.path().join(name), key.clone());
    let (root, client, team) = runtime.block_on(async {
        let root = Client::found(opening("root.db")).await.expect("a programme");
        let team = root.programme().new_team().await.expect("a team");
        let made = root.programme().make_coordinator(team, opening("desk.db")).await;
        (root, made.expect("a coordinator"), team)
    });
    let alone = of_clients();
    std::thread::scope(|threads| {
        for _ in 0..THREADS {
            let (client, handle) = (client.clone(), runtime.handle().clone());
            threads.spawn(move || {
                handle.block_on(async {
                    let id = client.records().record(team, reversal()).await.expect("it is saved");
                    // What was saved is read at once, by whichever thread.
                    assert_eq!(client.records().get(id).await.expect("it is there").id, id);
                });
            });
        }
        assert_eq!(of_clients(), alone, "no thread of its own for anybody");
    });
    runtime.block_on(async {
        let search = Search { most: 1, ..Search::default() };
        let (_, count) = client.records().list_and_count(search).await.expect("a list");
        assert_eq!(count, THREADS);
        // Whoever comes while it is closed is told so, whenever that is.
        let late: Vec<_> = (0..50).map(|_| tokio::spawn(one_more(client.clone(), team))).collect();
        client.close().await;
        for late in late {
            match late.await.expect("no panic") {
                Ok(()) | Err(Error::NotOpen("closed")) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(one_more(client.clone(), team).await, Err(Error::NotOpen("closed")));
        root.close().await;
    });
    assert_eq!(of_clients(), 0, "all ended");
}

async fn one_more(client: Client, team: kitbag_core::model::TeamId) -> Result<(), Error> {
    client.records().record(team, reversal()).await.map(drop)
}
