//! The kinds of record, by name alone: what each is stands in [`super::kinds`].

/// A kind of record that this version can show and count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Naloxone handed out.
    Distribution,
    /// An overdose and what was done.
    Reversal,
    /// Somebody referred to a service, and what became of it.
    Referral,
    /// Stock that came, went, was counted or was lost.
    StockMovement,
    /// A training held.
    Training,
    /// Contacts of outreach, and supplies.
    Contact,
    /// What a programme means to reach.
    Target,
    /// A report as it was handed up.
    Report,
}

impl Kind {
    /// All kinds, in the order of display.
    pub const ALL: [Kind; 8] = [
        Kind::Distribution,
        Kind::Reversal,
        Kind::Referral,
        Kind::StockMovement,
        Kind::Training,
        Kind::Contact,
        Kind::Target,
        Kind::Report,
    ];
}
