//! Who holds what.

use crate::error::{KitbagError, words};
use crate::kitbag::Kitbag;
use crate::runtime::run;
use kitbag_client::{Alarm, HeldBatch, Lasting, StockNow};
use kitbag_core::model::{CivilDate, RecordId, TeamId};

/// A batch that somebody holds.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct Batch {
    pub team: TeamId,
    pub holder: String,
    pub product: String,
    pub lot: String,
    pub expiry: String,
    pub doses: i64,
    pub lot_not_said: i64,
    pub kits: Option<i64>,
    pub doses_beside_kits: Option<i64>,
}

/// All stock, with what is wrong with it and how long it lasts.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct StockSeen {
    pub held: Vec<Batch>,
    pub lasting: Vec<Lasting>,
    pub alarms: Vec<AlarmSaid>,
}

/// A stock with which something is wrong, and what people read of it.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct AlarmSaid {
    pub alarm: Alarm,
    pub in_words: String,
}

impl From<HeldBatch> for Batch {
    fn from(held: HeldBatch) -> Self {
        let (on_hand, kits) = (held.on_hand, held.kits);
        Batch {
            team: on_hand.team,
            holder: on_hand.holder.to_string(),
            product: on_hand.batch.product,
            lot: on_hand.batch.lot,
            expiry: on_hand.batch.expiry,
            doses: on_hand.doses,
            lot_not_said: on_hand.lot_not_said,
            kits: kits.map(|(kits, _)| kits),
            doses_beside_kits: kits.map(|(_, doses)| doses),
        }
    }
}

impl From<StockNow> for StockSeen {
    fn from(now: StockNow) -> Self {
        let StockNow { held, lasting, alarms } = now;
        let words = words();
        let said = |alarm: Alarm| AlarmSaid { in_words: alarm.in_words(&words), alarm };
        StockSeen {
            held: held.into_iter().map(Batch::from).collect(),
            lasting,
            alarms: alarms.into_iter().map(said).collect(),
        }
    }
}

#[uniffi::export]
impl Kitbag {
    /// Who holds what, today.
    pub async fn stock(
        &self,
        team: Option<TeamId>,
        today: CivilDate,
    ) -> Result<StockSeen, KitbagError> {
        let client = self.client()?;
        run(async move { client.stock().now(team, today).await.map(StockSeen::from) }).await
    }

    /// The records that name a lot: a recall's.
    pub async fn naming_lot(
        &self,
        team: Option<TeamId>,
        lot: String,
    ) -> Result<Vec<RecordId>, KitbagError> {
        let client = self.client()?;
        run(async move { client.stock().naming(team, lot).await }).await
    }
}
