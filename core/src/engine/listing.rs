//! Lists as screens show them: each row with whether the hub has it, and whether it needs a person.

use super::{Attention, Engine, EngineError};
use crate::store::{Delivery, ListPlace, Refused, Row, Search, State};

/// A page of a list.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// phone.record(team, &reversal()?)?;
/// let list: List = phone.list(&Search { most: 50, ..Search::default() })?;
/// assert_eq!((list.rows.len(), list.older), (1, None));
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// Its rows, the latest first.
    pub rows: Vec<Listed>,
    /// Behind which the next page goes on; `None` where there is nothing more.
    pub older: Option<ListPlace>,
    /// Before which the page before ends; `None` where none is known to be.
    pub newer: Option<ListPlace>,
}

/// A row of a list.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// phone.record(team, &reversal()?)?;
/// let list = phone.list(&Search { most: 50, ..Search::default() })?;
/// let Listed { row, delivery, attention } = &list.rows[0];
/// assert_eq!((*delivery, *attention), (Delivery::Waiting, Attention::None));
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What the record says.
    pub row: Row,
    /// Whether the hub has all of it that is here.
    pub delivery: Delivery,
    /// Whether it needs a person.
    pub attention: Attention,
}

impl Engine {
    /// A page of the records looked for, each with its delivery and attention, in two queries however many they are.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// sync_with(&mut phone, &mut hub)?;
    /// let list = phone.list(&Search { most: 50, ..Search::default() })?;
    /// assert_eq!(list.rows[0].row.id, id);
    /// assert_eq!(list.rows[0].delivery, Delivery::OnHub);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn list(&self, search: &Search) -> Result<List, EngineError> {
        let now = (self.environment.now)();
        let page = self.store.search(search, now)?;
        let mut standing = self.store.standing_of(&page.rows)?;
        let rows = page.rows.into_iter().map(|row| {
            let (delivery, refused) =
                standing.remove(&row.number).unwrap_or((Delivery::Waiting, None));
            let attention = match refused {
                Some(refusal) => Attention::Refused(refusal),
                None if row.conflicts > 0 => Attention::Conflicted,
                None if row.state == State::Counted && row.is_date_in_doubt(now) => {
                    Attention::DateInDoubt
                }
                None => Attention::None,
            };
            Listed { row, delivery, attention }
        });
        Ok(List { rows: rows.collect(), older: page.older, newer: page.newer })
    }

    /// How many records are looked for, on all pages.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// assert_eq!(phone.how_many(&Search::default())?, 1);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn how_many(&self, search: &Search) -> Result<u64, EngineError> {
        Ok(self.store.how_many(search, (self.environment.now)())?)
    }

    /// What of records does not count, and why; the latest first, 500 at most.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// assert!(phone.refused()?.is_empty());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn refused(&self) -> Result<Vec<Refused>, EngineError> {
        Ok(self.store.refused()?)
    }
}
