//! What a store makes of an entry that it holds.

use std::fmt;

/// What an entry waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Waiting {
    /// The entry that creates its record is not carried in its team, or does not count.
    Creation,
    /// A version of Kitbag that knows what it says.
    NewerVersion,
}

/// Why an entry does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Honest software of its schema version could not have written it: its branch ends with it.
    Ended,
    /// Its author's certificate was revoked, and not every revocation keeps this entry.
    Revoked,
    /// An operation breaks a rule of the record's kind.
    Schema,
    /// Its author's role does not allow it.
    Role,
    /// It needs a list element that does not count or does not exist.
    Needs,
}

/// What a store makes of an entry, as a function of the entries held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It counts.
    Admitted,
    /// It will be judged when something arrives.
    Waiting(Waiting),
    /// It does not count; the reason is visible.
    Refused(Refusal),
    /// Its record was erased.
    Erased,
}

const NUMBERED: [(Verdict, u8, &str); 9] = [
    (Verdict::Admitted, 1, "admitted"),
    (Verdict::Erased, 2, "erased"),
    (Verdict::Waiting(Waiting::Creation), 17, "waiting(creation)"),
    (Verdict::Waiting(Waiting::NewerVersion), 19, "waiting(newer_version)"),
    (Verdict::Refused(Refusal::Ended), 33, "refused(ended)"),
    (Verdict::Refused(Refusal::Schema), 35, "refused(schema)"),
    (Verdict::Refused(Refusal::Revoked), 36, "refused(revoked)"),
    (Verdict::Refused(Refusal::Role), 37, "refused(role)"),
    (Verdict::Refused(Refusal::Needs), 40, "refused(needs)"),
];

impl Verdict {
    /// The verdict's number in the store and in the verdict digest.
    pub fn number(self) -> u8 {
        NUMBERED.iter().find(|(verdict, _, _)| *verdict == self).map_or(0, |(_, number, _)| *number)
    }

    /// The verdict of this number.
    pub fn from_number(number: u8) -> Option<Verdict> {
        NUMBERED.iter().find(|(_, known, _)| *known == number).map(|(verdict, _, _)| *verdict)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NUMBERED
            .iter()
            .find(|(verdict, _, _)| verdict == self)
            .map_or("unnumbered", |(_, _, name)| name);
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_one_number() {
        for (verdict, number, name) in NUMBERED {
            assert_eq!(verdict.number(), number);
            assert_eq!(Verdict::from_number(number), Some(verdict));
            assert_eq!(verdict.to_string(), name);
        }
    }
}
