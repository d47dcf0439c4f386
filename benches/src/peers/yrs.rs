//! Yrs: one document.

use super::{Fields, Month, Peer, Record};
use crate::Failed;
use kitbag_core::model::Value;
use yrs::updates::decoder::Decode;
use yrs::{
    Any, ArrayPrelim, Doc, Map, MapPrelim, MapRef, Out, ReadTxn, StateVector, Transact, Update,
};

pub struct Yrs {
    document: Doc,
    records: MapRef,
}

fn prelim(fields: &Fields) -> MapPrelim {
    fields
        .iter()
        .map(|(field, value)| {
            let value = match value {
                Value::Null => Any::Null,
                Value::Bool(flag) => Any::Bool(*flag),
                Value::Int(number) => Any::from(*number),
                Value::Text(text) => Any::from(text.as_str()),
                Value::Bytes(bytes) => Any::Buffer(bytes.as_slice().into()),
            };
            (field.as_str(), value)
        })
        .collect()
}

impl Peer for Yrs {
    const NAME: &'static str = "Yrs";
    type Version = StateVector;

    fn new() -> Result<Self, Failed> {
        let document = Doc::new();
        let records = document.get_or_insert_map("records");
        Ok(Yrs { document, records })
    }

    fn load(snapshot: &[u8]) -> Result<Self, Failed> {
        let mut peer = Self::new()?;
        peer.apply(snapshot)?;
        Ok(peer)
    }

    fn add(&mut self, record: &Record) -> Result<(), Failed> {
        let mut map = prelim(&record.fields);
        for (name, elements) in &record.lists {
            let list: ArrayPrelim = elements.iter().map(prelim).collect();
            map.insert(name.as_str().into(), list.into());
        }
        self.records.insert(&mut self.document.transact_mut(), record.id.as_str(), map);
        Ok(())
    }

    fn version(&mut self) -> Self::Version {
        self.document.transact().state_vector()
    }

    fn since(&mut self, version: &Self::Version) -> Result<Vec<u8>, Failed> {
        Ok(self.document.transact().encode_state_as_update_v2(version))
    }

    fn apply(&mut self, update: &[u8]) -> Result<(), Failed> {
        self.document.transact_mut().apply_update(Update::decode_v2(update)?)?;
        Ok(())
    }

    fn snapshot(&mut self) -> Result<Vec<u8>, Failed> {
        self.since(&StateVector::default())
    }

    fn month(&self) -> Result<Month, Failed> {
        let transaction = self.document.transact();
        let mut month = Month::default();
        for (_, record) in self.records.iter(&transaction) {
            let Out::YMap(map) = record else { return Err("a record".into()) };
            let text = |field: &str| match map.get(&transaction, field) {
                Some(Out::Any(Any::String(text))) => text.to_string(),
                _ => String::new(),
            };
            month.add(&text("occurred_on"), &text("outcome"));
        }
        Ok(month)
    }
}
