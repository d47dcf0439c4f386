//! What an erasure leaves on the disk, read page by page without SQLCipher: nothing.

use super::programme::{Programme, TEAM, reversal};
use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt, KeyInit};
use kitbag_core::engine::Engine;
use kitbag_core::model::RecordId;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

const PAGE_BYTES: usize = 4_096;
/// SQLCipher 4 ends a page with 16 bytes of IV and 64 of HMAC.
const RESERVED_BYTES: usize = 80;
/// So long a piece of what was stored is looked for.
const WINDOW_BYTES: usize = 16;

pub type Windows = HashSet<[u8; WINDOW_BYTES]>;

fn windows(bytes: &[u8]) -> impl Iterator<Item = [u8; WINDOW_BYTES]> + '_ {
    bytes.windows(WINDOW_BYTES).map(|window| window.try_into().unwrap())
}

/// One page in plain: AES-256 in CBC mode under the store's raw key.
fn plain(page: &[u8], is_first: bool) -> Vec<u8> {
    let cipher = Aes256::new(&[9; 32].into());
    let (body, reserved) = page.split_at(PAGE_BYTES - RESERVED_BYTES);
    let mut before: [u8; 16] = reserved[..16].try_into().unwrap();
    let mut plain = Vec::new();
    // The first 16 bytes of a file are its salt.
    for block in body[if is_first { 16 } else { 0 }..].chunks(16) {
        let sealed: [u8; 16] = block.try_into().unwrap();
        let mut opened = sealed.into();
        cipher.decrypt_block(&mut opened);
        plain.extend(opened.iter().zip(before).map(|(byte, mask)| byte ^ mask));
        before = sealed;
    }
    plain
}

/// Every page of a store and of the log beside it, free ones and old ones too.
fn pages(store: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(store).unwrap();
    let mut pages: Vec<Vec<u8>> =
        bytes.chunks_exact(PAGE_BYTES).enumerate().map(|(at, page)| plain(page, at == 0)).collect();
    assert_eq!(pages[0][..2], [0x10, 0], "the page size: it was read in plain");
    let log = std::fs::read(beside(store, "-wal")).unwrap_or_default();
    for frame in log.get(32..).unwrap_or_default().chunks_exact(24 + PAGE_BYTES) {
        let is_first = frame[..4] == [0, 0, 0, 1];
        pages.push(plain(&frame[24..], is_first));
    }
    pages
}

fn beside(store: &Path, ending: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// What a store keeps of a record: its entries' payloads, and its row.
pub fn stored(store: &Path, record: RecordId) -> Windows {
    let connection = rusqlite::Connection::open(store).unwrap();
    connection.execute_batch(&format!("PRAGMA key = \"x'{}'\"", "09".repeat(32))).unwrap();
    let mut found = Windows::new();
    let id = format!("{record}");
    for sql in [
        "SELECT payload FROM entry WHERE payload IS NOT NULL AND hex(substr(id, 1, 16)) = upper(?1)",
        "SELECT answers FROM record JOIN entry ON arrival = record.number
         WHERE hex(substr(id, 1, 16)) = upper(?1)",
    ] {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([&id], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        rows.for_each(|blob| found.extend(windows(&blob.unwrap())));
    }
    found
}

/// How many entries of records a store has with what they say, hidden ones, too.
pub fn said(store: &Path) -> i64 {
    let connection = rusqlite::Connection::open(store).unwrap();
    connection.execute_batch(&format!("PRAGMA key = \"x'{}'\"", "09".repeat(32))).unwrap();
    let sql = "SELECT count(*) FROM entry WHERE kind >= 16 AND payload IS NOT NULL";
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

pub fn still_there(store: &Path, windows_of: &Windows) -> usize {
    let pages = pages(store);
    let on_disk: Windows = pages.iter().flat_map(|page| windows(page)).collect();
    windows_of.intersection(&on_disk).count()
}

#[test]
fn an_erased_record_is_in_no_page_of_any_store_nor_in_what_lies_beside_it() {
    let mut programme = Programme::new();
    let (mut phone, _) = programme.worker();
    let marked = |engine: &mut Engine, marker: &str| {
        let mut form = reversal("survived");
        form.put("site", marker).unwrap();
        engine.record(TEAM, &form).unwrap()
    };
    let gone = marked(&mut phone, "PLANTED-SITE-MARKER-OF-THE-FIRST");
    let stays = marked(&mut phone, "another-site");
    let folder = programme.folder.path().to_owned();
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let of_phone = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("device-1") && name.contains("outbox")
    };
    let outbox = files.into_iter().find(of_phone).unwrap();
    let outbox_before = std::fs::metadata(&outbox).unwrap().len();
    programme.sync(&mut phone);
    programme.sync_coordinator();
    programme.settle();
    let stores = ["device-1", "coordinator", "hub"].map(|name| folder.join(name));
    let mut wanted = Windows::new();
    let mut others = Windows::new();
    for store in &stores {
        wanted.extend(stored(store, gone));
        others.extend(stored(store, stays));
    }
    let wanted: Windows = wanted.difference(&others).copied().collect();
    assert!(wanted.len() > 30, "{}", wanted.len());
    for store in &stores {
        assert!(still_there(store, &wanted) > 30, "it is there before: {}", store.display());
    }
    programme.root.erase(TEAM, &[gone]).unwrap();
    programme.sync_root();
    programme.sync(&mut phone);
    programme.sync_coordinator();
    programme.settle();
    for store in &stores {
        assert_eq!(still_there(store, &wanted), 0, "{}", store.display());
        assert!(still_there(store, &others) > 30, "the other stays: {}", store.display());
    }
    assert!(std::fs::metadata(&outbox).unwrap().len() < outbox_before, "the outbox forgot it");
}
