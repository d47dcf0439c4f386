//! How records move stock. A balance is never stored as a truth: it is the sum of what came in and
//! went out, so that counts made apart always agree.

use super::answers::{Answers, Named, find};
use super::field::is_code;
use super::{Answer, DeviceKey};
use std::fmt;
use std::str::FromStr;

/// Where stock is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A site, by its code.
    Site(String),
    /// A worker, by the device's key.
    Device(DeviceKey),
    /// Not with the programme: a supplier, a person served, the waste.
    Outside,
}

/// Text that names no holder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected site:CODE, device:ID or outside")]
pub struct NotAHolder;

impl FromStr for Holder {
    type Err = NotAHolder;
    fn from_str(text: &str) -> Result<Self, NotAHolder> {
        match text.split_once(':') {
            None if text == "outside" => Ok(Holder::Outside),
            Some(("site", code)) if is_code(code) => Ok(Holder::Site(code.to_owned())),
            Some(("device", key)) => key.parse().map(Holder::Device).map_err(|_| NotAHolder),
            _ => Err(NotAHolder),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Site(code) => write!(f, "site:{code}"),
            Holder::Device(key) => write!(f, "device:{key}"),
            Holder::Outside => f.write_str("outside"),
        }
    }
}

/// What is held: a product of one lot with one date of expiry; each may be unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Batch {
    /// The product's code, or `unknown`.
    pub product: String,
    /// The lot, or nothing.
    pub lot: String,
    /// The month of expiry, `yyyy-mm`, or nothing.
    pub expiry: String,
}

/// One change of a balance, in doses: kits of a movement are counted out by the doses of a kit that
/// the record itself holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockMove {
    /// Whose balance.
    pub holder: Holder,
    /// Of what.
    pub batch: Batch,
    /// How many doses more, or less where negative.
    pub doses: i64,
}

/// Moves doses between two holders; what lies outside has no balance.
pub(super) fn moved(
    from: Option<&str>,
    to: Option<&str>,
    batch: &Batch,
    doses: i64,
) -> Vec<StockMove> {
    let side = |holder: Option<&str>, doses: i64| {
        let holder = holder?.parse().ok().filter(|holder| *holder != Holder::Outside)?;
        Some(StockMove { holder, batch: batch.clone(), doses })
    };
    let both = [side(from, doses.saturating_neg()), side(to, doses)];
    both.into_iter().flatten().filter(|change| change.doses != 0).collect()
}

/// The batch that a record names at its top.
pub(super) fn batch(answers: &Answers) -> Batch {
    batch_of(&answers.fields)
}

/// The batch that fields name.
pub(super) fn batch_of(fields: &Named) -> Batch {
    let word =
        |name: &str| find(fields, name).and_then(Answer::word).unwrap_or_default().to_owned();
    Batch { product: word("product"), lot: word("lot"), expiry: word("expiry") }
}
