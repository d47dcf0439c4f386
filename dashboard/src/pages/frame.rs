//! What every page has around it.

use crate::words::is_from_the_right;
use kitbag_core::words::Words;
use maud::{DOCTYPE, Markup, html};

/// A whole page.
pub(super) fn framed(words: &Words, title: &str, is_open: bool, body: &Markup) -> Markup {
    let language = words.language();
    html! {
        (DOCTYPE)
        html lang=(language) dir=(if is_from_the_right(language) { "rtl" } else { "ltr" }) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) " – Kitbag" }
                link rel="stylesheet" href="/style.css";
            }
            body {
                a.skip href="#main" { (words.say("page-skip", &[])) }
                header {
                    p.mark { "Kitbag" }
                    @if is_open {
                        form method="post" action="/close" { button { (words.say("page-close", &[])) } }
                    }
                }
                main id="main" { (body) }
                footer { p { (words.say("page-only_here", &[])) } }
            }
        }
    }
}

/// What somebody sees who is not let in.
pub(crate) fn closed(words: &Words) -> Markup {
    let title = words.say("page-closed", &[]);
    framed(
        words,
        &title,
        false,
        &html! {
            h1 { (title) }
            p { (words.say("page-closed_next", &[])) }
        },
    )
}

/// What somebody sees where something went wrong: why, and what to do.
pub(crate) fn failed(words: &Words, why: &str) -> Markup {
    let title = words.say("page-failed", &[]);
    framed(
        words,
        &title,
        false,
        &html! {
            h1 { (title) }
            p { (why) }
        },
    )
}
