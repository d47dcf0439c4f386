//! Balances of stock, and what becomes of doses whose lot nobody said.

use super::{Store, StoreError};
use crate::model::TeamId;
use crate::model::stock::{Batch, Holder};
use std::collections::BTreeMap;

/// What one holder has of one batch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OnHand {
    /// The team.
    pub team: TeamId,
    /// Who holds it.
    pub holder: Holder,
    /// What. Without a lot: that of which nobody said the lot.
    pub batch: Batch,
    /// How many doses; below 0 more went out than came in: something was not recorded.
    pub doses: i64,
    /// How many doses went out, or came in where below 0, of which nobody said the lot and which are counted here: of
    /// this lot there may be as many more, and as many less of another.
    pub lot_not_said: i64,
}

impl Store {
    /// The balances of all holders of a team, or of all teams held, without those that are 0. Doses of a lot whose expiry
    /// was not recorded, as an administration has none, are of the batch that this holder has of that lot, where it has
    /// one alone. Doses that went out without a lot are of those that the holder has, those that expire first before the
    /// others, and what came in without a lot covers lots that more went out of: a product is below zero only where all
    /// of it is.
    pub fn stock(&self, team: Option<TeamId>) -> Result<Vec<OnHand>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT team, holder, product, lot, expiry, doses FROM stock
             ORDER BY team, holder, product, expiry, lot",
        )?;
        let mut rows = statement.query([])?;
        let mut on_hand = Vec::new();
        while let Some(row) = rows.next()? {
            let of = TeamId(row.get(0)?);
            let holder = row.get::<_, String>(1)?.parse();
            let batch = Batch { product: row.get(2)?, lot: row.get(3)?, expiry: row.get(4)? };
            if team.is_none_or(|team| team == of) {
                let holder = holder.map_err(|_| StoreError::Damaged("a holder"))?;
                let doses = row.get(5)?;
                on_hand.push(OnHand { team: of, holder, batch, doses, lot_not_said: 0 });
            }
        }
        Ok(with_lots(with_expiries(on_hand)))
    }
}

/// Adds doses of a lot without an expiry to the one batch that their holder has of the lot.
fn with_expiries(on_hand: Vec<OnHand>) -> Vec<OnHand> {
    let (bare, mut dated): (Vec<OnHand>, Vec<OnHand>) = on_hand
        .into_iter()
        .partition(|held| held.batch.expiry.is_empty() && !held.batch.lot.is_empty());
    for held in bare {
        let is_same = |other: &&mut OnHand| {
            let of = (&other.batch.product, &other.batch.lot);
            (other.team, &other.holder) == (held.team, &held.holder)
                && of == (&held.batch.product, &held.batch.lot)
                && !other.batch.expiry.is_empty()
        };
        let mut same = dated.iter_mut().filter(is_same);
        match (same.next(), same.next()) {
            (Some(one), None) => one.doses += held.doses,
            _ => dated.push(held),
        }
    }
    dated
}

/// Evens out, for each holder and product, what was said without a lot with what was said with one.
fn with_lots(on_hand: Vec<OnHand>) -> Vec<OnHand> {
    let mut products: BTreeMap<(TeamId, Holder, String), Vec<OnHand>> = BTreeMap::new();
    for held in on_hand {
        let of = (held.team, held.holder.clone(), held.batch.product.clone());
        products.entry(of).or_default().push(held);
    }
    let mut evened = Vec::new();
    for (_, of_product) in products {
        let (mut unsaid, mut lots): (Vec<OnHand>, Vec<OnHand>) =
            of_product.into_iter().partition(|held| held.batch.lot.is_empty());
        // What expires first goes out first; what has no date last.
        lots.sort_by_key(|held| {
            (held.batch.expiry.is_empty(), held.batch.expiry.clone(), held.batch.lot.clone())
        });
        for without in &mut unsaid {
            even_out(without, &mut lots);
        }
        evened.extend(lots.into_iter().chain(unsaid));
    }
    evened.retain(|held| held.doses != 0);
    evened.sort_unstable();
    evened
}

/// Of doses without a lot that went out, takes what the lots have; with what came in without one, fills what they lack.
fn even_out(without: &mut OnHand, lots: &mut [OnHand]) {
    let expiry = without.batch.expiry.clone();
    // Where the month of expiry was said, lots of that month come first.
    let (same, others): (Vec<&mut OnHand>, Vec<&mut OnHand>) =
        lots.iter_mut().partition(|held| !expiry.is_empty() && held.batch.expiry == expiry);
    for lot in same.into_iter().chain(others) {
        let moved = match without.doses {
            out if out < 0 => out.saturating_neg().min(lot.doses.max(0)),
            come => come.min(lot.doses.min(0).saturating_neg()).saturating_neg(),
        };
        lot.doses -= moved;
        lot.lot_not_said += moved;
        without.doses += moved;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(lot: &str, expiry: &str, doses: i64) -> OnHand {
        let batch = Batch { product: "p".into(), lot: lot.into(), expiry: expiry.into() };
        let holder = Holder::Site("north".into());
        OnHand { team: TeamId([1; 16]), holder, batch, doses, lot_not_said: 0 }
    }

    #[test]
    fn a_product_is_below_zero_only_where_all_of_it_is() {
        type Lots<'a> = &'a [(&'a str, &'a str, i64)];
        let cases: [(Lots<'_>, Lots<'_>); 9] = [
            (&[("A", "2027-06", 20), ("", "", -2)], &[("A", "2027-06", 18)]),
            (&[("A", "2027-06", 20), ("", "", -22)], &[("", "", -2)]),
            (&[("A", "2027-06", 20), ("B", "2027-01", 5), ("", "", -8)], &[("A", "2027-06", 17)]),
            (&[("A", "", 20), ("B", "2027-01", 5), ("", "", -8)], &[("A", "", 17)]),
            (&[("A", "2027-06", -3), ("", "", 20)], &[("", "", 17)]),
            (&[("A", "2027-06", -3), ("", "", 2)], &[("A", "2027-06", -1)]),
            // A lot of which more went out than came in, beside another: one of the two was said wrong.
            (
                &[("A", "2027-06", -3), ("B", "2027-06", 9)],
                &[("A", "2027-06", -3), ("B", "2027-06", 9)],
            ),
            (
                &[("A", "2027-06", 5), ("B", "2027-01", 5), ("", "2027-06", -2)],
                &[("A", "2027-06", 3), ("B", "2027-01", 5)],
            ),
            (&[("", "", 4)], &[("", "", 4)]),
        ];
        for (recorded, expected) in cases {
            let of = |lots: Lots<'_>| -> Vec<OnHand> {
                lots.iter().map(|(lot, expiry, doses)| held(lot, expiry, *doses)).collect()
            };
            let mut found = with_lots(of(recorded));
            let moved: i64 = found.iter().map(|held| held.lot_not_said).sum();
            found.iter_mut().for_each(|held| held.lot_not_said = 0);
            let mut expected = of(expected);
            expected.sort_unstable();
            assert_eq!(found, expected, "{recorded:?}");
            let total = |held: &[OnHand]| held.iter().map(|held| held.doses).sum::<i64>();
            assert_eq!(total(&found), total(&of(recorded)), "{recorded:?} {moved}");
        }
    }
}
