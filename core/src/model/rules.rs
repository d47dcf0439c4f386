//! What no single field holds: rules that every store judges entries by, and contradictions, which only
//! the device that writes is held to: what two people said apart, each rightly, and what others'
//! versions wrote, is kept and counted as it is.

/// A rule over several fields, held when a record is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The list has an element, or the other field says why not.
    OneElement {
        /// The list.
        list: &'static str,
        /// The field that may stand for it.
        or: Option<&'static str>,
    },
    /// At least one of these numbers is above 0: of one or two.
    OneAbove0(&'static [&'static str]),
    /// The two fields differ.
    Differ(&'static str, &'static str),
    /// The number is above 0, but where another field has this code.
    AboveZeroUnless {
        /// The number.
        number: &'static str,
        /// The other field.
        field: &'static str,
        /// Its code.
        code: &'static str,
    },
}

/// Answers that cannot both be true, as a kind declares them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// The field has an answer, though the list has an element that stands.
    BesideElements {
        /// The field.
        field: &'static str,
        /// The list.
        list: &'static str,
    },
    /// The field has one of these codes (any answer where none is named), and the other one of those.
    Both {
        /// The field, and its codes.
        field: (&'static str, &'static [&'static str]),
        /// The other field, and its codes.
        other: (&'static str, &'static [&'static str]),
    },
    /// The number is below this, where the other field has this code.
    Fewer {
        /// The number.
        number: &'static str,
        /// The least that it can be.
        least: i64,
        /// The other field.
        other: &'static str,
        /// Its code.
        code: &'static str,
    },
    /// The number, or the number that a kit's printed one ends in, is above the other.
    Above {
        /// The number.
        field: &'static str,
        /// The other, which may be equal.
        other: &'static str,
    },
    /// A date of an element lies more than ten years from the record's.
    FarApart {
        /// The list.
        list: &'static str,
        /// The date in its elements.
        field: &'static str,
        /// The record's date.
        other: &'static str,
    },
    /// The field names no indicator that this version counts.
    NoIndicator(&'static str),
}
