//! Loro: one document.

use super::{Fields, Month, Peer, Record};
use crate::Failed;
use kitbag_core::model::Value;
use loro::{
    Container, ExportMode, LoroDoc, LoroList, LoroMap, LoroValue, ValueOrContainer, VersionVector,
};

pub struct Loro(LoroDoc);

fn put(map: &LoroMap, fields: &Fields) -> Result<(), Failed> {
    for (field, value) in fields {
        let value: LoroValue = match value {
            Value::Null => LoroValue::Null,
            Value::Bool(flag) => (*flag).into(),
            Value::Int(number) => (*number).into(),
            Value::Text(text) => text.as_str().into(),
            Value::Bytes(bytes) => bytes.clone().into(),
        };
        map.insert(field, value)?;
    }
    Ok(())
}

impl Peer for Loro {
    const NAME: &'static str = "Loro";
    type Version = VersionVector;

    fn new() -> Result<Self, Failed> {
        Ok(Loro(LoroDoc::new()))
    }

    fn load(snapshot: &[u8]) -> Result<Self, Failed> {
        Ok(Loro(LoroDoc::from_snapshot(snapshot)?))
    }

    fn add(&mut self, record: &Record) -> Result<(), Failed> {
        let map = self.0.get_map("records").insert_container(&record.id, LoroMap::new())?;
        put(&map, &record.fields)?;
        for (name, elements) in &record.lists {
            let list = map.insert_container(name, LoroList::new())?;
            for (at, element) in elements.iter().enumerate() {
                put(&list.insert_container(at, LoroMap::new())?, element)?;
            }
        }
        self.0.commit();
        Ok(())
    }

    fn version(&mut self) -> Self::Version {
        self.0.oplog_vv()
    }

    fn since(&mut self, version: &Self::Version) -> Result<Vec<u8>, Failed> {
        Ok(self.0.export(ExportMode::updates(version))?)
    }

    fn apply(&mut self, update: &[u8]) -> Result<(), Failed> {
        self.0.import(update)?;
        Ok(())
    }

    fn snapshot(&mut self) -> Result<Vec<u8>, Failed> {
        Ok(self.0.export(ExportMode::Snapshot)?)
    }

    fn month(&self) -> Result<Month, Failed> {
        let mut month = Month::default();
        self.0.get_map("records").for_each(|_, record| {
            let ValueOrContainer::Container(Container::Map(map)) = record else { return };
            let text = |field: &str| match map.get(field) {
                Some(ValueOrContainer::Value(LoroValue::String(text))) => text.to_string(),
                _ => String::new(),
            };
            month.add(&text("occurred_on"), &text("outcome"));
        });
        Ok(month)
    }
}
