//! A disk in memory that forgets what was not synced.
//!
//! It becomes SQLite's default file system of this process, so that the real store runs on it
//! unchanged, SQLCipher and write-ahead log included. Each thread has a disk of its own. A machine is
//! the first part of a path; its power can be cut at any write, truncation, sync or deletion.
//!
//! The disk's promise is what the store's settings rely on (`SQLITE_IOCAP_POWERSAFE_OVERWRITE`): what
//! was synced stays; of what was not, any part may be there, torn at 512 bytes, but bytes beside a
//! write are not touched.

mod real;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use real::RealDisk;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

/// A write is torn at multiples of this.
const SECTOR_BYTES: usize = 512;

/// What happens to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The process is killed: what it wrote stays, synced or not.
    Killed,
    /// The power is cut: what was not synced stays in part.
    PowerLoss,
}

#[derive(Clone)]
pub(crate) enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write { at, bytes } => {
                let end = at + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(bytes);
            }
            Change::Truncate(length) => content.truncate(*length),
        }
    }
}

#[derive(Clone, Default)]
struct File {
    content: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    /// A file that was never synced may not be there after a power loss.
    was_synced: bool,
}

/// What goes wrong with a disk that runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One operation fails; reads count, too.
    ErrorOnce,
    /// From one operation on all fail.
    ErrorForGood,
    /// From one change on the disk is full.
    Full,
    /// One write reaches the disk in part, torn at 512 bytes, and fails.
    Torn,
    /// The power is cut at one operation: of what was not synced a part is there when it comes back.
    PowerLoss,
}

/// Regions that SQLite holds pointers to, for as long as files map them.
#[derive(Default)]
struct Shared {
    regions: Vec<Box<[u8]>>,
    mapped_by: u64,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.mapped_by > 0 {
            // A file that still points there must not write into memory that is somebody else's.
            self.regions.drain(..).for_each(|region| _ = Box::leak(region));
        }
    }
}

#[derive(Default)]
struct Machine {
    /// How many more changes the disk takes before it stops, where it was told to.
    changes_left: Option<u64>,
    is_stopped: bool,
    /// How many more operations go well before this goes wrong.
    fault: Option<(u64, Fault)>,
    /// Whether it did.
    was_faulty: bool,
}

/// One thread's disk.
pub struct Disk {
    files: BTreeMap<String, File>,
    machines: BTreeMap<String, Machine>,
    /// Shared memory of write-ahead logs: gone when the last file that mapped it is closed.
    shared: BTreeMap<String, Shared>,
    random: ChaCha8Rng,
    /// A folder of a real disk that everything goes through as well.
    real: Option<RealDisk>,
}

/// The files of one machine, as a backup holds them.
#[derive(Clone)]
pub struct Backup(BTreeMap<String, Vec<u8>>);

thread_local! {
    static DISK: RefCell<Disk> = RefCell::new(Disk::new(0));
}

/// Something failed on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// The machine is stopped.
    Stopped,
    /// The operation failed.
    Error,
    /// There is no room left.
    Full,
    /// A write was done in part.
    Torn,
}

impl Disk {
    fn new(seed: u64) -> Self {
        Disk {
            files: BTreeMap::new(),
            machines: BTreeMap::new(),
            shared: BTreeMap::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
            real: None,
        }
    }

    /// Works with this thread's disk.
    pub fn with<T>(work: impl FnOnce(&mut Disk) -> T) -> T {
        DISK.with_borrow_mut(work)
    }

    /// Starts this thread with an empty disk.
    pub fn reset(seed: u64) {
        Disk::with(|disk| *disk = Disk::new(seed));
    }

    /// From now on every write, truncation, sync, deletion and read goes through files in this folder,
    /// which begins empty.
    pub fn write_through_to(&mut self, folder: &Path) {
        self.real = RealDisk::new(folder).ok();
    }

    /// Brings the real disk to what a stop or a restored backup left.
    fn put_on_real_disk(&mut self, machine: &str) {
        let Some(real) = &self.real else { return };
        let of_machine = self.files.iter().filter(|(path, _)| machine_of(path) == machine);
        real.replace(machine, of_machine.map(|(path, file)| (path.as_str(), &*file.content)));
    }

    /// Stops a machine after so many more changes to its files.
    pub fn stop_after(&mut self, machine: &str, changes: u64) {
        self.machine(machine).changes_left = Some(changes);
    }

    /// Lets something go wrong after so many more operations.
    pub fn fail_after(&mut self, machine: &str, operations: u64, fault: Fault) {
        let machine = self.machine(machine);
        machine.fault = Some((operations, fault));
        machine.was_faulty = false;
    }

    /// Whether what [`Disk::fail_after`] asked for happened.
    pub fn was_faulty(&mut self, machine: &str) -> bool {
        self.machine(machine).was_faulty
    }

    /// Takes [`Disk::stop_after`] and [`Disk::fail_after`] back.
    pub fn go_on(&mut self, machine: &str) {
        let machine = self.machine(machine);
        machine.changes_left = None;
        machine.fault = None;
    }

    /// Stops a machine at once.
    pub fn stop(&mut self, machine: &str) {
        self.machine(machine).is_stopped = true;
    }

    /// Whether a machine is stopped.
    pub fn is_stopped(&mut self, machine: &str) -> bool {
        self.machine(machine).is_stopped
    }

    /// Starts a machine again after a stop of this kind.
    pub fn start(&mut self, machine: &str, stop: Stop) {
        *self.machine(machine) = Machine::default();
        self.shared.retain(|path, _| machine_of(path) != machine);
        let random = &mut self.random;
        self.files.retain(|path, file| {
            if machine_of(path) != machine || stop == Stop::Killed {
                return true;
            }
            let keeps_file = file.was_synced || random.random_bool(0.5);
            let share = random.random_range(0.0..=1.0);
            for change in std::mem::take(&mut file.unsynced) {
                if random.random_bool(share) {
                    torn(change, random).apply(&mut file.synced);
                }
            }
            file.content.clone_from(&file.synced);
            keeps_file
        });
        self.put_on_real_disk(machine);
    }

    /// Puts a file on the disk, as if it had always been there.
    pub fn put(&mut self, path: &str, content: &[u8]) {
        let (content, synced) = (content.to_vec(), content.to_vec());
        let file = File { content, synced, unsynced: Vec::new(), was_synced: true };
        self.files.insert(path.to_owned(), file);
    }

    /// Copies a machine's files, as they are.
    pub fn back_up(&self, machine: &str) -> Backup {
        let files = self.files.iter().filter(|(path, _)| machine_of(path) == machine);
        Backup(files.map(|(path, file)| (path.clone(), file.content.clone())).collect())
    }

    /// Puts a backup in the place of a machine's files; also on another machine.
    pub fn restore(&mut self, machine: &str, backup: &Backup) {
        self.files.retain(|path, _| machine_of(path) != machine);
        self.shared.retain(|path, _| machine_of(path) != machine);
        for (path, content) in &backup.0 {
            let rest = path.strip_prefix(machine_of(path)).unwrap_or_default();
            let file = File {
                content: content.clone(),
                synced: content.clone(),
                unsynced: Vec::new(),
                was_synced: true,
            };
            self.files.insert(format!("{machine}{rest}"), file);
        }
        self.put_on_real_disk(machine);
    }

    fn machine(&mut self, machine: &str) -> &mut Machine {
        self.machines.entry(machine.to_owned()).or_default()
    }

    /// One operation is about to happen.
    fn check(&mut self, path: &str, is_change: bool) -> Result<(), Failed> {
        let machine = self.machine(machine_of(path));
        if machine.is_stopped {
            return Err(Failed::Stopped);
        }
        let Some((left, fault)) = &mut machine.fault else { return Ok(()) };
        if matches!(*fault, Fault::Full | Fault::Torn) && !is_change {
            return Ok(());
        }
        if *left > 0 {
            *left -= 1;
            return Ok(());
        }
        machine.was_faulty = true;
        match fault {
            Fault::Full => Err(Failed::Full),
            Fault::Torn => Err(Failed::Torn),
            Fault::PowerLoss => {
                machine.is_stopped = true;
                Err(Failed::Stopped)
            }
            Fault::ErrorForGood => Err(Failed::Error),
            Fault::ErrorOnce => {
                machine.fault = None;
                Err(Failed::Error)
            }
        }
    }

    /// One change is about to happen: the machine may stop here.
    fn before_change(&mut self, path: &str) -> Result<(), Failed> {
        let machine = self.machine(machine_of(path));
        match machine.changes_left {
            Some(0) => machine.is_stopped = true,
            Some(left) => machine.changes_left = Some(left - 1),
            None => {}
        }
        self.check(path, true)
    }

    fn change(&mut self, path: &str, change: Change) -> Result<(), Failed> {
        let change = match self.before_change(path) {
            Ok(()) => change,
            Err(Failed::Torn) => {
                // The error comes once: what is tried again goes well.
                self.machine(machine_of(path)).fault = None;
                let part = torn_for_sure(change, &mut self.random);
                if let Some(real) = &self.real {
                    real.change(path, &part)?;
                }
                let file = self.files.entry(path.to_owned()).or_default();
                part.apply(&mut file.content);
                file.unsynced.push(part);
                return Err(Failed::Error);
            }
            Err(failed) => return Err(failed),
        };
        if let Some(real) = &self.real {
            real.change(path, &change)?;
        }
        let file = self.files.entry(path.to_owned()).or_default();
        change.apply(&mut file.content);
        file.unsynced.push(change);
        Ok(())
    }

    pub(crate) fn create(&mut self, path: &str) -> Result<(), Failed> {
        self.check(path, false)?;
        self.files.entry(path.to_owned()).or_default();
        Ok(())
    }

    pub(crate) fn exists(&mut self, path: &str) -> Result<bool, Failed> {
        self.check(path, false)?;
        Ok(self.files.contains_key(path))
    }

    pub(crate) fn length(&mut self, path: &str) -> Result<usize, Failed> {
        self.check(path, false)?;
        Ok(self.files.get(path).map_or(0, |file| file.content.len()))
    }

    /// Reads into the buffer; returns how many bytes were there.
    pub(crate) fn read(
        &mut self,
        path: &str,
        at: usize,
        buffer: &mut [u8],
    ) -> Result<usize, Failed> {
        self.check(path, false)?;
        if let Some(real) = &self.real {
            return real.read(path, at, buffer);
        }
        let content = self.files.get(path).map(|file| file.content.as_slice()).unwrap_or_default();
        let there = content.get(at..).unwrap_or_default();
        let length = there.len().min(buffer.len());
        buffer[..length].copy_from_slice(&there[..length]);
        buffer[length..].fill(0);
        Ok(length)
    }

    pub(crate) fn write(&mut self, path: &str, at: usize, bytes: &[u8]) -> Result<(), Failed> {
        self.change(path, Change::Write { at, bytes: bytes.to_vec() })
    }

    pub(crate) fn truncate(&mut self, path: &str, length: usize) -> Result<(), Failed> {
        self.change(path, Change::Truncate(length))
    }

    pub(crate) fn sync(&mut self, path: &str) -> Result<(), Failed> {
        self.before_change(path)?;
        if let Some(real) = &self.real {
            real.sync(path)?;
        }
        let file = self.files.entry(path.to_owned()).or_default();
        for change in std::mem::take(&mut file.unsynced) {
            change.apply(&mut file.synced);
        }
        file.was_synced = true;
        Ok(())
    }

    pub(crate) fn delete(&mut self, path: &str) -> Result<bool, Failed> {
        self.before_change(path)?;
        if let Some(real) = &self.real {
            real.delete(path);
        }
        Ok(self.files.remove(path).is_some())
    }

    /// A region of a write-ahead log's shared memory; null where it is not there and not wanted.
    pub(crate) fn shared_region(
        &mut self,
        path: &str,
        region: usize,
        bytes: usize,
        extend: bool,
        is_mapped: bool,
    ) -> Result<*mut u8, Failed> {
        self.check(path, false)?;
        let shared = self.shared.entry(path.to_owned()).or_default();
        shared.mapped_by += u64::from(!is_mapped);
        while extend && shared.regions.len() <= region {
            shared.regions.push(vec![0; bytes].into_boxed_slice());
        }
        let region = shared.regions.get_mut(region);
        Ok(region.map_or(std::ptr::null_mut(), |region| region.as_mut_ptr()))
    }

    /// One file maps it no longer; the last one takes it along.
    pub(crate) fn unmap(&mut self, path: &str) {
        if let Some(shared) = self.shared.get_mut(path) {
            shared.mapped_by = shared.mapped_by.saturating_sub(1);
            if shared.mapped_by == 0 {
                self.shared.remove(path);
            }
        }
    }

    pub(crate) fn fill_random(&mut self, buffer: &mut [u8]) {
        self.random.fill_bytes(buffer);
    }
}

/// Of a write that was not synced, a part: whole sectors, from the start or the end.
fn torn(change: Change, random: &mut ChaCha8Rng) -> Change {
    match change {
        Change::Write { at, bytes } if bytes.len() > SECTOR_BYTES && random.random_bool(0.3) => {
            let sectors = bytes.len() / SECTOR_BYTES;
            let cut = random.random_range(0..=sectors) * SECTOR_BYTES;
            if random.random_bool(0.5) {
                Change::Write { at, bytes: bytes[..cut].to_vec() }
            } else {
                Change::Write { at: at + cut, bytes: bytes[cut..].to_vec() }
            }
        }
        whole => whole,
    }
}

/// A part of a write: whole sectors from its start, or all but the last.
fn torn_for_sure(change: Change, random: &mut ChaCha8Rng) -> Change {
    match change {
        Change::Write { at, bytes } => {
            let sectors = bytes.len().saturating_sub(1) / SECTOR_BYTES;
            let cut = random.random_range(0..=sectors) * SECTOR_BYTES;
            Change::Write { at, bytes: bytes[..cut].to_vec() }
        }
        Change::Truncate(length) => Change::Truncate(length),
    }
}

/// The machine that a path is on: its first part, as `/phone` of `/phone/store.db`.
fn machine_of(path: &str) -> &str {
    let second_slash = path.match_indices('/').nth(1);
    second_slash.map_or(path, |(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synced_stays_and_what_was_not_may_not() {
        let mut lost = 0;
        for seed in 0..50 {
            let mut disk = Disk::new(seed);
            disk.write("/a/file", 0, &[1; 600]).expect("runs");
            disk.sync("/a/file").expect("runs");
            disk.write("/a/file", 0, &[2; 600]).expect("runs");
            disk.stop("/a");
            assert_eq!(disk.write("/a/file", 0, &[3]), Err(Failed::Stopped));
            disk.start("/a", Stop::PowerLoss);
            let mut buffer = [0; 600];
            assert_eq!(disk.read("/a/file", 0, &mut buffer), Ok(600));
            assert!(buffer.iter().all(|byte| [1, 2].contains(byte)));
            lost += u32::from(buffer.contains(&1));
        }
        assert!((5..50).contains(&lost), "{lost} of 50");
    }

    #[test]
    fn a_machine_stops_at_the_change_that_it_was_told() {
        let mut disk = Disk::new(1);
        disk.stop_after("/a", 2);
        assert_eq!(disk.write("/a/file", 0, &[1]), Ok(()));
        assert_eq!(disk.sync("/a/file"), Ok(()));
        assert_eq!(disk.write("/a/file", 1, &[2]), Err(Failed::Stopped));
        assert_eq!(disk.write("/b/file", 1, &[2]), Ok(()), "another machine runs on");
        disk.start("/a", Stop::Killed);
        assert_eq!(disk.length("/a/file"), Ok(1));
    }
}
