//! The pages, made whole here.

mod frame;
mod overview;

pub(crate) use frame::{closed, failed};
pub(crate) use overview::overview;

use kitbag_core::words::Words;

/// A number with its thousands apart, as every language here reads it.
fn number(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            // A narrow space that breaks no line: neither a point nor a comma in any language.
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if number < 0 { format!("−{text}") } else { text }
}

/// A share, in per cent.
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// What somebody wrote, as a line that hides nothing.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !is_unseen(*c)).take(200).collect()
}

/// What turns the direction of writing or cannot be seen.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// What a site is called; where records name none, that.
fn site(words: &Words, code: &str, label: &str) -> String {
    if code.is_empty() { words.say("page-no_site", &[]) } else { plain(label) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_a_glance() {
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!((number(0), number(-12), number(999)), ("0".into(), "−12".into(), "999".into()));
    }

    #[test]
    fn nothing_that_somebody_wrote_turns_or_hides_what_stands_beside_it() {
        assert_eq!(plain("a\u{202e}b\u{200b}\u{7}c\n"), "abc");
        assert_eq!(plain(&"x".repeat(1_000_000)).len(), 200);
    }
}
