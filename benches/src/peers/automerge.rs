//! Plain automerge: one document.

use super::{Fields, Month, Peer, Record};
use crate::Failed;
use automerge::transaction::Transactable;
use automerge::{AutoCommit, ChangeHash, ObjId, ObjType, ROOT, ReadDoc, ScalarValue};
use kitbag_core::model::Value;

pub struct Automerge {
    document: AutoCommit,
    records: ObjId,
}

impl Automerge {
    fn of(document: AutoCommit) -> Result<Self, Failed> {
        let (_, records) = document.get(ROOT, "records")?.ok_or("no records")?;
        Ok(Automerge { document, records })
    }

    fn put(&mut self, map: &ObjId, fields: &Fields) -> Result<(), Failed> {
        for (field, value) in fields {
            self.document.put(map, field.as_str(), scalar(value))?;
        }
        Ok(())
    }
}

fn scalar(value: &Value) -> ScalarValue {
    match value {
        Value::Null => ScalarValue::Null,
        Value::Bool(flag) => ScalarValue::Boolean(*flag),
        Value::Int(number) => ScalarValue::Int(*number),
        Value::Text(text) => ScalarValue::Str(text.as_str().into()),
        Value::Bytes(bytes) => ScalarValue::Bytes(bytes.clone()),
    }
}

impl Peer for Automerge {
    const NAME: &'static str = "automerge";
    type Version = Vec<ChangeHash>;

    /// Every replica begins with the same change, which makes the map.
    fn new() -> Result<Self, Failed> {
        let mut document = AutoCommit::new().with_actor([0; 16].into());
        document.put_object(ROOT, "records", ObjType::Map)?;
        document.commit_with(automerge::transaction::CommitOptions::default().with_time(0));
        document.set_actor(automerge::ActorId::random());
        Self::of(document)
    }

    fn load(snapshot: &[u8]) -> Result<Self, Failed> {
        Self::of(AutoCommit::load(snapshot)?)
    }

    fn add(&mut self, record: &Record) -> Result<(), Failed> {
        let map =
            self.document.put_object(self.records.clone(), record.id.as_str(), ObjType::Map)?;
        self.put(&map, &record.fields)?;
        for (name, elements) in &record.lists {
            let list = self.document.put_object(&map, name.as_str(), ObjType::List)?;
            for (at, element) in elements.iter().enumerate() {
                let inner = self.document.insert_object(&list, at, ObjType::Map)?;
                self.put(&inner, element)?;
            }
        }
        self.document.commit();
        Ok(())
    }

    fn version(&mut self) -> Self::Version {
        self.document.get_heads()
    }

    fn since(&mut self, version: &Self::Version) -> Result<Vec<u8>, Failed> {
        Ok(self.document.save_after(version))
    }

    fn apply(&mut self, update: &[u8]) -> Result<(), Failed> {
        self.document.load_incremental(update)?;
        Ok(())
    }

    fn snapshot(&mut self) -> Result<Vec<u8>, Failed> {
        Ok(self.document.save())
    }

    fn month(&self) -> Result<Month, Failed> {
        let mut month = Month::default();
        let ids: Vec<String> = self.document.keys(&self.records).collect();
        for id in ids {
            let (_, map) = self.document.get(&self.records, id)?.ok_or("a record")?;
            let text = |field: &str| -> Result<String, Failed> {
                let (value, _) = self.document.get(&map, field)?.ok_or("an answer")?;
                Ok(value.into_string().map_err(|_| "a text")?)
            };
            month.add(&text("occurred_on")?, &text("outcome")?);
        }
        Ok(month)
    }
}
