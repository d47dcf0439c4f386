//! How a device becomes a member.

use crate::error::KitbagError;
use crate::kitbag::{Kitbag, OpenOptions};
use crate::runtime::{Cancel, run_until};
use kitbag_core::identity::Role;
use kitbag_core::model::TeamId;
use std::sync::Arc;

/// A device that asked to join, and waits for whoever invited it.
#[derive(uniffi::Object)]
pub struct Joining(Arc<kitbag_client::Joining>);

#[uniffi::export]
impl Joining {
    /// Opens the device's store, making it on first use, and asks to join by an invitation's text.
    #[uniffi::constructor]
    pub async fn ask(
        options: OpenOptions,
        invitation: String,
        cancel: Arc<Cancel>,
    ) -> Result<Arc<Self>, KitbagError> {
        let opening = options.opening()?;
        let ask = async move { kitbag_client::Joining::ask(opening, &invitation).await };
        Ok(Arc::new(Joining(Arc::new(run_until(cancel, ask).await?))))
    }

    /// The six digits to show, large.
    pub fn code(&self) -> String {
        self.0.code().to_owned()
    }

    /// What it may do there.
    pub fn role(&self) -> Role {
        self.0.role()
    }

    /// The team that it is about.
    pub fn team(&self) -> TeamId {
        self.0.team()
    }

    /// Waits until it is approved, joins, and syncs. Called again after an error, it goes on waiting.
    pub async fn approved(&self, cancel: Arc<Cancel>) -> Result<Arc<Kitbag>, KitbagError> {
        let joining = Arc::clone(&self.0);
        run_until(cancel, async move { joining.approved().await.map(Kitbag::over) }).await
    }
}
