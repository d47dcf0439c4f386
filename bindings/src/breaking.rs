//! A way to a hub that breaks in the middle of what is said: a sync that dies, for the tests of all languages.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Begins at the port that it returns, and leads to the hub at the other. Once so many bytes went to the hub it breaks, in
/// both directions and for good.
pub(crate) fn way(hub: u16, bytes: u64) -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let left = Arc::new(AtomicU64::new(bytes));
    thread::spawn(move || {
        for device in listener.incoming() {
            let Ok(device) = device else { return };
            if left.load(Ordering::SeqCst) == 0 {
                return;
            }
            let Ok(to) = TcpStream::connect((Ipv4Addr::LOCALHOST, hub)) else { return };
            let (Ok(answers), Ok(answered)) = (to.try_clone(), device.try_clone()) else { return };
            thread::spawn(move || carry(answers, answered, &AtomicU64::new(u64::MAX)));
            let left = Arc::clone(&left);
            // It ends with its connection: there is no second one beside it.
            carry(device, to, &left);
        }
    });
    Ok(port)
}

/// Carries what comes, so long as any may.
fn carry(mut from: TcpStream, mut to: TcpStream, left: &AtomicU64) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let may = left.load(Ordering::SeqCst).min(read as u64);
        left.fetch_sub(may, Ordering::SeqCst);
        if to.write_all(&buffer[..may as usize]).is_err() || may < read as u64 {
            break;
        }
    }
    _ = from.shutdown(Shutdown::Both);
    _ = to.shutdown(Shutdown::Both);
}
