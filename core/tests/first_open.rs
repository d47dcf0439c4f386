//! The first stores of a process, opened at once: the cipher is there before any of them is.

use kitbag_core::store::{Settling, Store, StoreKey};
use std::sync::Barrier;

#[test]
fn the_first_stores_of_a_process_open_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let barrier = Barrier::new(16);
    std::thread::scope(|threads| {
        let opened: Vec<_> = (0..16)
            .map(|number| {
                let (path, barrier) = (folder.path().join(format!("{number}.db")), &barrier);
                threads.spawn(move || {
                    let key = StoreKey::new([7; 32]);
                    let root = Some(kitbag_core::model::DeviceKey([1; 32]));
                    barrier.wait();
                    Store::open(&path, &key, root, None, Settling::Within).map(drop)
                })
            })
            .collect();
        for opened in opened {
            opened.join().expect("no panic").expect("it opens");
        }
    });
    for number in 0..16 {
        let bytes = std::fs::read(folder.path().join(format!("{number}.db"))).expect("it is there");
        assert!(!bytes.starts_with(b"SQLite format 3"), "it is enciphered");
    }
}
