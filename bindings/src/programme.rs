//! The root's work, and the programme's own codes.

use crate::error::KitbagError;
use crate::kitbag::{Kitbag, OpenOptions};
use crate::runtime::run;
use kitbag_client::Own;
use kitbag_core::identity::HubAddress;
use kitbag_core::model::pack::{Code, CodePack, Label, Product};
use kitbag_core::model::{RecordId, TeamId};
use std::collections::HashMap;
use std::sync::Arc;

/// A code with its labels by language; the empty tag is of all others.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct PackCode {
    pub code: String,
    pub labels: HashMap<String, String>,
}

/// A product of the programme.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct PackProduct {
    pub code: String,
    pub labels: HashMap<String, String>,
    pub route: String,
    pub mg_per_dose: f64,
    pub doses_per_kit: Option<i64>,
}

/// A code pack.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct Pack {
    pub name: String,
    pub version: u32,
    pub source: String,
    pub sites: Vec<PackCode>,
    pub products: Vec<PackProduct>,
    pub services: Vec<PackCode>,
    pub response: Vec<PackCode>,
    pub capture_only: bool,
    pub lists: HashMap<String, Vec<PackCode>>,
    pub require: HashMap<String, Vec<String>>,
    pub minimum_doses: Option<i64>,
    pub expiring_days: Option<i64>,
}

fn labels(label: &Label) -> HashMap<String, String> {
    match label {
        Label::Text(text) => HashMap::from([(String::new(), text.clone())]),
        Label::ByLanguage(labels) => labels.clone().into_iter().collect(),
    }
}

fn codes(codes: &[Code]) -> Vec<PackCode> {
    let crossing = |code: &Code| PackCode { code: code.code.clone(), labels: labels(&code.label) };
    codes.iter().map(crossing).collect()
}

impl From<CodePack> for Pack {
    fn from(pack: CodePack) -> Self {
        let product = |product: &Product| PackProduct {
            code: product.code.clone(),
            labels: labels(&product.label),
            route: product.route.clone(),
            mg_per_dose: product.mg_per_dose,
            doses_per_kit: product.doses_per_kit,
        };
        Pack {
            sites: codes(&pack.sites),
            products: pack.products.iter().map(product).collect(),
            services: codes(&pack.services),
            response: codes(&pack.response),
            capture_only: pack.capture_only,
            lists: pack.lists.iter().map(|(list, of)| (list.clone(), codes(of))).collect(),
            require: pack.require.into_iter().collect(),
            minimum_doses: pack.thresholds.minimum_doses,
            expiring_days: pack.thresholds.expiring_days,
            name: pack.name,
            version: pack.version,
            source: pack.source,
        }
    }
}

#[uniffi::export]
impl Kitbag {
    /// The programme's root key and this device's.
    pub async fn own(&self) -> Result<Own, KitbagError> {
        let client = self.client()?;
        run(async move { client.programme().own().await }).await
    }

    /// Where the hub is, with its keys.
    pub async fn hub(&self) -> Result<Option<HubAddress>, KitbagError> {
        let client = self.client()?;
        run(async move { client.programme().hub().await }).await
    }

    /// Notes where the hub is.
    pub async fn set_hub(&self, hub: HubAddress) -> Result<(), KitbagError> {
        let client = self.client()?;
        run(async move { client.programme().set_hub(hub).await }).await
    }

    /// Makes a new team.
    pub async fn new_team(&self) -> Result<TeamId, KitbagError> {
        let client = self.client()?;
        run(async move { client.programme().new_team().await }).await
    }

    /// Makes a coordinator's store on this machine, which is not there yet.
    pub async fn make_coordinator(
        &self,
        team: TeamId,
        options: OpenOptions,
    ) -> Result<Arc<Kitbag>, KitbagError> {
        let client = self.client()?;
        let opening = options.opening()?;
        let made = async move { client.programme().make_coordinator(team, opening).await };
        run(made).await.map(Kitbag::over)
    }

    /// The root's device looks into a team from now on.
    pub async fn look_into(&self, team: TeamId) -> Result<(), KitbagError> {
        let client = self.client()?;
        run(async move { client.programme().look_into(team).await }).await
    }

    /// Publishes a code pack.
    pub async fn publish_pack(&self, toml: String) -> Result<(), KitbagError> {
        let client = self.client()?;
        run(async move { client.programme().publish_pack(toml).await }).await
    }

    /// The code packs that are here.
    pub async fn packs(&self) -> Result<Vec<Pack>, KitbagError> {
        let client = self.client()?;
        let packs = run(async move { client.programme().packs().await }).await?;
        Ok(packs.into_iter().map(Pack::from).collect())
    }

    /// Erases records for good.
    pub async fn erase(&self, team: TeamId, records: Vec<RecordId>) -> Result<(), KitbagError> {
        let client = self.client()?;
        run(async move { client.programme().erase(team, records).await }).await
    }
}
