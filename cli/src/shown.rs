//! What others wrote is text: how it is shown wherever anything is printed.
//!
//! All output passes [`marked`]: a character that a terminal obeys, that turns the direction of reading or
//! that nobody sees stands there as its number, `\\u001b`, which is also how JSON writes it. What stands in
//! one line of others' words passes [`one_line`] first, so that it is one line, and short.

use std::borrow::Cow;
use std::io::Write;

/// The most characters of others' words in one cell or line: the rest is an ellipsis.
const CHARS_MAX: usize = 60;

/// Whether a character is shown as its number.
fn is_marked(c: char) -> bool {
    let number = c as u32;
    // Controls; soft hyphen; direction marks, embeddings, overrides and isolates; zero width; tags.
    c.is_control()
        || matches!(number, 0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f)
        || matches!(number, 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164)
        || matches!(number, 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff9..=0xfffb)
        || matches!(number, 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

fn mark(text: &str, is_kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| is_marked(c) && !is_kept(c)) {
        return Cow::Borrowed(text);
    }
    let mut marked = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_marked(c) && !is_kept(c) {
            true if c == '\n' => marked.push('⏎'),
            true => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    marked.push_str(&format!("\\u{unit:04x}"));
                }
            }
            false => marked.push(c),
        }
    }
    Cow::Owned(marked)
}

/// Text as it may be printed: lines stay lines.
pub fn marked(text: &str) -> Cow<'_, str> {
    mark(text, |c| c == '\n')
}

/// Rows of CSV as they may be printed: their ends stay.
pub fn marked_rows(text: &str) -> String {
    let rows: Vec<Cow<'_, str>> = text.split("\r\n").map(marked).collect();
    rows.join("\r\n")
}

/// Others' words as part of a line: one line, and no longer than a screen has room for.
pub fn one_line(text: &str) -> String {
    let marked = mark(text, |_| false);
    match marked.chars().nth(CHARS_MAX) {
        Some(_) => marked.chars().take(CHARS_MAX - 1).chain(['…']).collect(),
        None => marked.into_owned(),
    }
}

/// Others' words where all of them are asked for: line ends stay visible, nothing is cut.
pub fn whole(text: &str) -> String {
    mark(text, |_| false).into_owned()
}

/// A log whose lines hold no character that a terminal obeys.
pub struct Marked<W>(pub W);

impl<W: Write> Write for Marked<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write_all(marked(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_or_nobody_sees_is_shown_as_its_number() {
        for (text, shown) in [
            ("plain, Naïve, نالوکسون, 纳洛酮", "plain, Naïve, نالوکسون, 纳洛酮"),
            ("\u{1b}]0;title\u{7}", "\\u001b]0;title\\u0007"),
            ("\u{9b}2J", "\\u009b2J"),
            ("a\u{202e}b\u{2066}c", "a\\u202eb\\u2066c"),
            ("zero\u{200b}width\u{feff}", "zero\\u200bwidth\\ufeff"),
            ("\u{e0041}", "\\udb40\\udc41"),
            ("one\ntwo\r", "one\ntwo\\u000d"),
        ] {
            assert_eq!(marked(text), shown);
        }
        assert_eq!(one_line("one\ntwo"), "one⏎two");
        assert_eq!(one_line(&"x".repeat(10_000)).chars().count(), CHARS_MAX);
        assert_eq!(marked_rows("a\r\nb\rc\r\n"), "a\r\nb\\u000dc\r\n");
        let read: String =
            serde_json::from_str(&marked("\"a\u{202e}\u{e0041}\"")).expect("it is JSON still");
        assert_eq!(read, "a\u{202e}\u{e0041}", "programs read what was written");
    }
}
