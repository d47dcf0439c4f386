//! Who is let in: one link, used once, opens one session; whatever changes something carries the session's own word.

use data_encoding::BASE64URL_NOPAD;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a link opens something.
const LINK_FOR: Duration = Duration::from_secs(10 * 60);
/// How long a session lasts that nobody uses.
const SESSION_FOR: Duration = Duration::from_secs(60 * 60);
const WORD_BYTES: usize = 32;

/// The randomness of the system could not be had.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no randomness")]
pub struct NoRandomness;

fn word() -> Result<String, NoRandomness> {
    let mut bytes = [0; WORD_BYTES];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// The same in a time that tells nothing of where they differ.
fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one.bytes().zip(other.bytes()).fold(0, |differs, (one, other)| differs | (one ^ other))
            == 0
}

struct Link {
    word: String,
    made: Instant,
}

/// Somebody who opened the link.
struct Session {
    word: String,
    used: Instant,
}

/// The link that waits to be opened, and the one session: who opens the link anew has the pages, and nobody else.
#[derive(Default)]
pub(crate) struct Gate {
    link: Mutex<Option<Link>>,
    session: Mutex<Option<Session>>,
}

impl Gate {
    /// A new link's word; the one before opens nothing any more.
    pub(crate) fn link(&self, now: Instant) -> Result<String, NoRandomness> {
        let word = word()?;
        *lock(&self.link) = Some(Link { word: word.clone(), made: now });
        Ok(word)
    }

    /// Opens the link: once, and not for long. Returns the word of the session that begins.
    pub(crate) fn open(&self, shown: &str, now: Instant) -> Option<String> {
        let mut link = lock(&self.link);
        let holds = link.as_ref().is_some_and(|link| {
            is_same(&link.word, shown) && now.duration_since(link.made) < LINK_FOR
        });
        if !holds {
            return None;
        }
        *link = None;
        let word = word().ok()?;
        *lock(&self.session) = Some(Session { word: word.clone(), used: now });
        Some(word)
    }

    /// Whether a session is the one that there is.
    pub(crate) fn holds(&self, shown: &str, now: Instant) -> bool {
        let mut session = lock(&self.session);
        let Some(session) = session.as_mut() else { return false };
        let holds = is_same(&session.word, shown) && now.duration_since(session.used) < SESSION_FOR;
        if holds {
            session.used = now;
        }
        holds
    }

    /// Ends the session.
    pub(crate) fn end(&self) {
        *lock(&self.session) = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_link_opens_once_and_not_for_long() {
        let (gate, now) = (Gate::default(), Instant::now());
        let link = gate.link(now).unwrap();
        assert!(gate.open("another", now).is_none());
        let session = gate.open(&link, now).unwrap();
        assert!(gate.holds(&session, now) && !gate.holds(&link, now) && !gate.holds("", now));
        assert!(gate.open(&link, now).is_none(), "it was used");
        let old = gate.link(now).unwrap();
        assert!(gate.open(&old, now + LINK_FOR).is_none(), "it is old");
        assert!(gate.holds(&session, now + SESSION_FOR / 2));
        assert!(gate.holds(&session, now + SESSION_FOR), "it was used meanwhile");
        assert!(!gate.holds(&session, now + 3 * SESSION_FOR));
    }

    #[test]
    fn a_session_that_ended_holds_nothing() {
        let (gate, now) = (Gate::default(), Instant::now());
        let session = gate.open(&gate.link(now).unwrap(), now).unwrap();
        gate.end();
        assert!(!gate.holds(&session, now));
    }
}
