//! The boundary to SQLite: [`crate::disk`] as its default file system. All unsafe code of the
//! workspace is in this file.
#![allow(unsafe_code)]

use crate::disk::{Disk, Failed};
use rusqlite::ffi;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Once;

/// An open file: SQLite's part first, then our path, owned.
#[repr(C)]
struct OpenFile {
    base: ffi::sqlite3_file,
    path: *mut String,
    /// Whether it maps shared memory.
    is_mapped: bool,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(lock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shared_map),
    xShmLock: Some(shared_lock),
    xShmBarrier: Some(shared_barrier),
    xShmUnmap: Some(shared_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes the disk in memory the default of this process. Stores opened before keep theirs.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let vfs = Box::leak(Box::new(ffi::sqlite3_vfs {
            iVersion: 1,
            szOsFile: size_of::<OpenFile>() as c_int,
            mxPathname: 512,
            pNext: std::ptr::null_mut(),
            zName: c"kitbag-memory".as_ptr(),
            pAppData: std::ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: None,
            xCurrentTimeInt64: None,
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        }));
        // SAFETY: the structure lives for ever, and every method that SQLite needs is there.
        let code = unsafe { ffi::sqlite3_vfs_register(vfs, 1) };
        assert_eq!(code, ffi::SQLITE_OK, "SQLite takes the disk in memory");
    });
}

fn text(path: *const c_char) -> String {
    if path.is_null() {
        return "/temporary/file".to_owned();
    }
    // SAFETY: SQLite hands a string that ends with a zero byte.
    unsafe { CStr::from_ptr(path) }.to_string_lossy().into_owned()
}

fn path_of<'a>(file: *mut ffi::sqlite3_file) -> &'a str {
    // SAFETY: SQLite hands back the file that `open` filled in, before `close` frees its path.
    unsafe { &*(*file.cast::<OpenFile>()).path }
}

fn code(done: Result<(), Failed>, failed: c_int) -> c_int {
    match done {
        Ok(()) => ffi::SQLITE_OK,
        Err(Failed::Full) => ffi::SQLITE_FULL,
        Err(Failed::Stopped | Failed::Error | Failed::Torn) => failed,
    }
}

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let path = text(name);
    let create = flags & ffi::SQLITE_OPEN_CREATE != 0;
    // SAFETY: SQLite gives `szOsFile` bytes for the file.
    let open_file = unsafe { &mut *file.cast::<OpenFile>() };
    open_file.base.pMethods = std::ptr::null();
    let there = Disk::with(|disk| {
        if create {
            disk.create(&path)?;
        }
        disk.exists(&path)
    });
    if there != Ok(true) {
        return ffi::SQLITE_CANTOPEN;
    }
    open_file.path = Box::into_raw(Box::new(path));
    open_file.is_mapped = false;
    open_file.base.pMethods = &raw const METHODS;
    if !out_flags.is_null() {
        // SAFETY: SQLite owns the integer.
        unsafe { *out_flags = flags };
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: `open` made the path, and SQLite closes a file once.
    unsafe {
        let open_file = &mut *file.cast::<OpenFile>();
        drop(Box::from_raw(open_file.path));
        open_file.base.pMethods = std::ptr::null();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    buffer: *mut c_void,
    amount: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite gives a buffer of `amount` bytes.
    let buffer = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), amount as usize) };
    match Disk::with(|disk| disk.read(path_of(file), offset as usize, buffer)) {
        Ok(length) if length == amount as usize => ffi::SQLITE_OK,
        Ok(_) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(_) => ffi::SQLITE_IOERR_READ,
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    buffer: *const c_void,
    amount: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite gives a buffer of `amount` bytes.
    let bytes = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), amount as usize) };
    let done = Disk::with(|disk| disk.write(path_of(file), offset as usize, bytes));
    code(done, ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    let done = Disk::with(|disk| disk.truncate(path_of(file), size as usize));
    code(done, ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    code(Disk::with(|disk| disk.sync(path_of(file))), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    match Disk::with(|disk| disk.length(path_of(file))) {
        Ok(length) => {
            // SAFETY: SQLite owns the integer.
            unsafe { *size = length as i64 };
            ffi::SQLITE_OK
        }
        Err(_) => ffi::SQLITE_IOERR_FSTAT,
    }
}

/// One connection at a time opens a store here, so that locks are never contended.
unsafe extern "C" fn lock(_file: *mut ffi::sqlite3_file, _level: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(_: *mut ffi::sqlite3_file, held: *mut c_int) -> c_int {
    // SAFETY: SQLite owns the integer.
    unsafe { *held = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_file: *mut ffi::sqlite3_file) -> c_int {
    512
}

unsafe extern "C" fn device_characteristics(_file: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shared_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    bytes: c_int,
    extend: c_int,
    pointer: *mut *mut c_void,
) -> c_int {
    // SAFETY: SQLite hands back the file that `open` filled in.
    let open_file = unsafe { &mut *file.cast::<OpenFile>() };
    let (extend, is_mapped) = (extend != 0, open_file.is_mapped);
    let found = Disk::with(|disk| {
        disk.shared_region(path_of(file), region as usize, bytes as usize, extend, is_mapped)
    });
    open_file.is_mapped |= found.is_ok();
    match found {
        Ok(region) => {
            // SAFETY: SQLite owns the pointer; the region is boxed and does not move.
            unsafe { *pointer = region.cast() };
            ffi::SQLITE_OK
        }
        Err(_) => ffi::SQLITE_IOERR_SHMMAP,
    }
}

unsafe extern "C" fn shared_lock(_: *mut ffi::sqlite3_file, _: c_int, _: c_int, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn shared_barrier(_file: *mut ffi::sqlite3_file) {}

unsafe extern "C" fn shared_unmap(file: *mut ffi::sqlite3_file, _delete: c_int) -> c_int {
    // SAFETY: SQLite hands back the file that `open` filled in.
    let open_file = unsafe { &mut *file.cast::<OpenFile>() };
    if std::mem::take(&mut open_file.is_mapped) {
        Disk::with(|disk| disk.unmap(path_of(file)));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, _sync: c_int) -> c_int {
    match Disk::with(|disk| disk.delete(&text(name))) {
        Ok(true) => ffi::SQLITE_OK,
        Ok(false) => ffi::SQLITE_IOERR_DELETE_NOENT,
        Err(_) => ffi::SQLITE_IOERR_DELETE,
    }
}

unsafe extern "C" fn access(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _flags: c_int,
    there: *mut c_int,
) -> c_int {
    match Disk::with(|disk| disk.exists(&text(name))) {
        Ok(exists) => {
            // SAFETY: SQLite owns the integer.
            unsafe { *there = c_int::from(exists) };
            ffi::SQLITE_OK
        }
        Err(_) => ffi::SQLITE_IOERR_ACCESS,
    }
}

unsafe extern "C" fn full_pathname(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    length: c_int,
    out: *mut c_char,
) -> c_int {
    let path = text(name);
    if path.len() + 1 > length as usize {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: SQLite gives `length` bytes, and the path with its zero byte fits in them.
    unsafe {
        std::ptr::copy_nonoverlapping(path.as_ptr(), out.cast::<u8>(), path.len());
        *out.add(path.len()) = 0;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(
    _: *mut ffi::sqlite3_vfs,
    amount: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite gives a buffer of `amount` bytes.
    let buffer = unsafe { std::slice::from_raw_parts_mut(out.cast::<u8>(), amount as usize) };
    Disk::with(|disk| disk.fill_random(buffer));
    amount
}

unsafe extern "C" fn sleep(_vfs: *mut ffi::sqlite3_vfs, _microseconds: c_int) -> c_int {
    0
}

/// The simulation has no clock: Julian day 2451544.5 is 2000-01-01.
unsafe extern "C" fn current_time(_vfs: *mut ffi::sqlite3_vfs, now: *mut f64) -> c_int {
    // SAFETY: SQLite owns the number.
    unsafe { *now = 2_451_544.5 };
    ffi::SQLITE_OK
}
