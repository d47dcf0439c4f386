//! What is wrong here that a person can do something about.

use crate::error::{KitbagError, words};
use crate::kitbag::Kitbag;
use crate::runtime::run;
use kitbag_client::Finding;
use kitbag_core::engine::Verified;
use kitbag_core::model::{DeviceKey, RecordId, TeamId, UnixMillis};

/// Something found.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct Found {
    pub code: String,
    pub count: u64,
    pub records: Vec<RecordId>,
    pub in_words: String,
}

/// What is known to exist of a device, and is not here.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct MissingFrom {
    pub device: DeviceKey,
    pub entries: u64,
    pub is_doubtful: bool,
}

#[uniffi::export]
impl Kitbag {
    /// All that is found, by this clock.
    pub async fn findings(&self, now: UnixMillis) -> Result<Vec<Found>, KitbagError> {
        let client = self.client()?;
        let found = run(async move { client.health().findings(now).await }).await?;
        let words = words();
        let records = |finding: &Finding| match finding {
            Finding::Contradicting(all) => all.iter().map(|(record, _)| *record).collect(),
            _ => Vec::new(),
        };
        let crossing = |finding: &Finding| Found {
            code: finding.code().to_owned(),
            count: finding.count(),
            records: records(finding),
            in_words: finding.in_words(&words),
        };
        Ok(found.iter().map(crossing).collect())
    }

    /// What is known to exist and is not here, by the device that wrote it; of one team or of all.
    pub async fn missing(&self, team: Option<TeamId>) -> Result<Vec<MissingFrom>, KitbagError> {
        let client = self.client()?;
        let missing = run(async move { client.health().missing(team).await }).await?;
        let crossing = |from: kitbag_core::store::MissingFrom| MissingFrom {
            device: from.device,
            entries: from.entries,
            is_doubtful: from.is_doubtful,
        };
        Ok(missing.into_iter().map(crossing).collect())
    }

    /// Checks all signatures, rows and sums; saves wait for it.
    pub async fn verify(&self) -> Result<Verified, KitbagError> {
        let client = self.client()?;
        run(async move { client.health().verify(|_| {}).await }).await
    }

    /// Builds what is derived anew from the entries.
    pub async fn rebuild(&self) -> Result<(), KitbagError> {
        let client = self.client()?;
        run(async move { client.health().rebuild().await }).await
    }
}
