//! Lists of codes that several kinds share (data dictionary).

/// Bands of age; a programme's own come with its code pack.
pub const AGE_BAND: &[&str] =
    &["under_15", "15_17", "18_24", "25_34", "35_44", "45_54", "55_plus", "unknown", "declined"];
/// Gender [ONT].
pub const GENDER: &[&str] =
    &["woman", "man", "trans_woman", "trans_man", "non_binary", "other", "unknown", "declined"];
/// A question that may stay unanswered.
pub const YES_NO: &[&str] = &["yes", "no", "unknown", "declined"];
/// Something that can be refused [NYS, PHE].
pub const YES_NO_REFUSED: &[&str] = &["yes", "no", "refused", "unknown"];
/// The products of the catalogue: nasal sprays and injections by strength. Their RxNorm numbers,
/// strengths and doses stand in the code pack.
pub const PRODUCT: &[&str] = &[
    "nasal_4mg",
    "nasal_8mg",
    "nasal_3mg",
    "nasal_2mg",
    "intramuscular_0_4mg",
    "prefilled_1mg_ml",
    "unknown",
];
/// How naloxone was given.
pub const ROUTE: &[&str] = &["IN", "IM", "IV", "SC", "unknown"];
/// Where a kit that was used came from [PHE].
pub const SOURCE: &[&str] =
    &["this_programme", "other_take_home", "ems", "police", "pharmacy", "unknown"];
