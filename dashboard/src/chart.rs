//! Bars that read without colour: what is now is filled, what was before is striped, and each has its number beside it.

use maud::{Markup, html};

/// How long the longest bar is, in the chart's own units.
const LONGEST: i64 = 300;

/// A bar: its length, and whether it is of the period before.
fn bar(value: i64, most: i64, is_before: bool) -> Markup {
    let length = if most > 0 { value.clamp(0, most) * LONGEST / most } else { 0 };
    // Something is never drawn as nothing.
    let length = if value > 0 { length.max(1) } else { 0 };
    html! {
        svg.bar viewBox={ "0 0 " (LONGEST) " 14" } preserveAspectRatio="none" aria-hidden="true" {
            rect class=(if is_before { "before" } else { "now" }) x="0" y="1" width=(length) height="12" {}
        }
    }
}

/// Two bars, one above the other, of one scale.
pub(crate) fn pair(now: i64, before: i64, most: i64) -> Markup {
    html! { div.pair { (bar(now, most, false)) (bar(before, most, true)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_is_whole_and_one_of_a_million_is_seen() {
        let drawn = pair(1_000_000, 1, 1_000_000).into_string();
        assert!(drawn.contains("class=\"now\" x=\"0\" y=\"1\" width=\"300\""), "{drawn}");
        assert!(drawn.contains("class=\"before\" x=\"0\" y=\"1\" width=\"1\""), "{drawn}");
        assert!(pair(0, -3, 0).into_string().matches("width=\"0\"").count() == 2);
    }
}
