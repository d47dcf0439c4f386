//! Faults planted on purpose, chosen at run time, which the simulator must catch.
//!
//! A clean simulation means something only if a broken engine does not pass it. Each mutant breaks
//! one promise of the engine at the line that keeps it; `cargo xtask mutants` runs them all.

use std::sync::atomic::{AtomicU8, Ordering};

/// A promise of the engine that can be broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mutant {
    /// A save says done although its COMMIT failed.
    AckBeforeCommit = 1,
    /// An entry that arrives twice is counted twice.
    DedupeOff = 2,
    /// A verdict given once is kept, whatever arrives later.
    VerdictByArrival = 3,
    /// A signature is not verified.
    SignatureCheckOff = 4,
    /// A worker may change any record.
    RoleRuleOff = 5,
    /// A value stays although a later entry replaced it.
    ReplacedValuesStay = 6,
    /// A clock names one tip for each log, although it forked.
    TipsWithoutForks = 7,
    /// Projection and totals are written in a transaction of their own, after the entry's.
    TotalsOutsideTransaction = 8,
    /// A hub that was put back to an older state does not notice.
    EpochIgnored = 9,
    /// A link has effect whoever wrote it.
    StrangersLinkCounts = 10,
    /// A log goes on past its end.
    LogNeverEnds = 11,
    /// A revoked coordinator erases.
    ErasureByRevoked = 12,
    /// What a revocation does not keep is carried.
    RelayPastRevocation = 13,
    /// A claim past what a revocation keeps counts as missing.
    ClaimPastRevocation = 14,
    /// An entry that names what is not held does not count.
    DeadAfterBlocks = 15,
    /// A revocation keeps what its device never signed.
    KeptWithoutSignature = 16,
    /// A certificate holds although a revocation of whoever gave it cut it.
    CertificateOutlivesCut = 17,
    /// A date later than its author's clock keeps a record out of totals.
    DateKeepsOut = 18,
    /// Of records of one row in a file the one counts that arrived first.
    EqualImportByArrival = 19,
    /// "These are two" has its effect whoever wrote it.
    StrangersKeepApart = 20,
    /// A certificate continues one of another team or role.
    ContinuesAcrossTeams = 21,
}

impl Mutant {
    /// Every mutant with the name that the command line takes.
    pub const ALL: [(Mutant, &'static str); 21] = [
        (Mutant::AckBeforeCommit, "ack-before-commit"),
        (Mutant::DedupeOff, "dedupe-off"),
        (Mutant::VerdictByArrival, "verdict-by-arrival"),
        (Mutant::SignatureCheckOff, "signature-check-off"),
        (Mutant::RoleRuleOff, "role-rule-off"),
        (Mutant::ReplacedValuesStay, "replaced-values-stay"),
        (Mutant::TipsWithoutForks, "tips-without-forks"),
        (Mutant::TotalsOutsideTransaction, "totals-outside-transaction"),
        (Mutant::EpochIgnored, "epoch-ignored"),
        (Mutant::StrangersLinkCounts, "strangers-link-counts"),
        (Mutant::LogNeverEnds, "log-never-ends"),
        (Mutant::ErasureByRevoked, "erasure-by-revoked"),
        (Mutant::RelayPastRevocation, "relay-past-revocation"),
        (Mutant::ClaimPastRevocation, "claim-past-revocation"),
        (Mutant::DeadAfterBlocks, "dead-after-blocks"),
        (Mutant::KeptWithoutSignature, "kept-without-signature"),
        (Mutant::CertificateOutlivesCut, "certificate-outlives-cut"),
        (Mutant::DateKeepsOut, "date-keeps-out"),
        (Mutant::EqualImportByArrival, "equal-import-by-arrival"),
        (Mutant::StrangersKeepApart, "strangers-keep-apart"),
        (Mutant::ContinuesAcrossTeams, "continues-across-teams"),
    ];
}

static ACTIVE: AtomicU8 = AtomicU8::new(0);

/// Plants one fault, or none, for the whole process.
pub fn plant(mutant: Option<Mutant>) {
    ACTIVE.store(mutant.map_or(0, |mutant| mutant as u8), Ordering::SeqCst);
}

/// Whether this fault is planted.
pub fn is_active(mutant: Mutant) -> bool {
    ACTIVE.load(Ordering::SeqCst) == mutant as u8
}
