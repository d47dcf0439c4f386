//! How types of the client and the core cross as they are. Ids and dates cross as text; one that cannot be read is an
//! error that names what it should be.

use crate::error::KitbagError;
use kitbag_client::{
    Alarm, Asked, BundleWritten, Lasting, LiftedBy, Member, Own, RefusedRecord, StockAlarm, Target,
};
use kitbag_core::engine::{
    Attention, BundleOf, BundleTaken, LastSync, List as ListPage, Listed, Status, Suspected,
    Verified, VerifyFault, Why,
};
use kitbag_core::identity::{HubAddress, Role};
use kitbag_core::log::verdict::Refusal;
use kitbag_core::model::date::Period;
use kitbag_core::model::{
    Answer, Answers, CivilDate, DeviceKey, ElementName, EntryId, Kind, RecordId, TeamId,
    UnixMillis, Value,
};
use kitbag_core::store::{Delivery, ListPlace, Order, Reason, Refused, Row, State, WaitingForHub};
use kitbag_core::sync::{Agreement, Progress, SyncFault};
use kitbag_core::totals::{KnownMissing, Split};
use std::collections::HashMap;

/// A type that crosses as text.
macro_rules! as_text {
    ($($type:ident as $name:literal),* $(,)?) => {
        $(uniffi::custom_type!($type, String, {
            remote,
            try_lift: |text| text.parse().map_err(|_| KitbagError::argument($name).into()),
            lower: |it| it.to_string(),
        });)*
    };
}

as_text!(
    TeamId as "team",
    RecordId as "record",
    EntryId as "entry",
    DeviceKey as "device",
    CivilDate as "date",
    HubAddress as "hub",
    Split as "by",
);

uniffi::custom_type!(UnixMillis, i64, {
    remote,
    try_lift: |millis| Ok(UnixMillis(millis)),
    lower: |millis| millis.0,
});

/// A record's answers.
#[derive(uniffi::Record)]
pub struct HeldAnswers {
    kind: Kind,
    fields: HashMap<String, Value>,
    lists: HashMap<String, Vec<HashMap<String, Value>>>,
}

uniffi::custom_type!(Answers, HeldAnswers, {
    remote,
    try_lift: |_answers| Err(KitbagError::argument("answers").into()),
    lower: |answers| {
        let lists = answers.lists.iter().map(|(list, elements)| {
            (list.to_string(), elements.iter().map(|element| values(element)).collect())
        });
        HeldAnswers { kind: answers.kind, fields: values(&answers.fields), lists: lists.collect() }
    },
});

fn values(named: &[(std::borrow::Cow<'static, str>, Answer)]) -> HashMap<String, Value> {
    let crossing = named.iter().map(|(name, answer)| {
        let value = match answer {
            Answer::Flag(flag) => Value::Bool(*flag),
            Answer::Number(number) => Value::Int(*number),
            Answer::Word(word) => Value::Text(word.to_string()),
            // Free text is not in a row: that there is some is.
            Answer::Text => Value::Bytes(Vec::new()),
        };
        (name.to_string(), value)
    });
    crossing.collect()
}

#[uniffi::remote(Enum)]
pub enum Kind {
    Distribution,
    Reversal,
    Referral,
    StockMovement,
    Training,
    Contact,
    Target,
    Report,
}

#[uniffi::remote(Enum)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

#[uniffi::remote(Enum)]
pub enum Role {
    Worker,
    Coordinator,
    Observer,
}

#[uniffi::remote(Enum)]
pub enum State {
    Counted,
    Void,
    Duplicate,
}

#[uniffi::remote(Enum)]
pub enum Refusal {
    Ended,
    Revoked,
    Schema,
    Role,
    Needs,
}

#[uniffi::remote(Enum)]
pub enum Attention {
    None,
    Conflicted,
    DateInDoubt,
    Refused(Refusal),
}

#[uniffi::remote(Enum)]
pub enum Reason {
    Revoked,
    NoCertificate,
    Other(u8),
}

#[uniffi::remote(Enum)]
pub enum Delivery {
    Waiting,
    OnHub,
    Aside(Reason),
}

#[uniffi::remote(Enum)]
pub enum Order {
    Arrival,
    Recording,
    Day,
}

#[uniffi::remote(Enum)]
pub enum Period {
    Day,
    Week,
    EpiWeek,
    Month,
    Quarter,
    Year,
    FiscalYear { first_month: u8 },
}

#[uniffi::remote(Enum)]
pub enum LiftedBy {
    Coordinator,
    Arrival,
    Nobody,
}

#[uniffi::remote(Enum)]
pub enum StockAlarm {
    BelowMinimum,
    Expiring,
    BelowZero,
}

#[uniffi::remote(Enum)]
pub enum Why {
    SavedTwice,
    ImportedTwice,
    SeenByTwo,
}

#[uniffi::remote(Enum)]
pub enum VerifyFault {
    Chain,
    Projection,
    Totals,
}

#[uniffi::remote(Enum)]
pub enum BundleOf {
    Waiting,
    Everything,
}

#[uniffi::remote(Enum)]
pub enum SyncFault {
    NoAnswer,
    NotTheHub,
    Busy,
    Refused(u16),
    Cancelled,
    OutOfTime,
    CutOff,
    NotRead,
    Stuck,
    Unending,
    KeptOut,
    BudgetSpent(u64),
    Store,
}

#[uniffi::remote(Enum)]
pub enum Agreement {
    Whole,
    Without(Vec<TeamId>),
    CaughtUp,
    Partial { waiting: u64 },
}

#[uniffi::remote(Record)]
pub struct ElementName {
    pub entry: EntryId,
    pub index: u32,
}

#[uniffi::remote(Record)]
pub struct ListPlace {
    pub day: i64,
    pub recorded_at: UnixMillis,
    pub number: i64,
}

#[uniffi::remote(Record)]
pub struct Row {
    pub number: i64,
    pub id: RecordId,
    pub team: TeamId,
    pub author: DeviceKey,
    pub recorded_at: UnixMillis,
    pub day: i64,
    pub state: State,
    pub doubt: Option<i64>,
    pub conflicts: u64,
    pub moves_stock: bool,
    pub answers: Answers,
}

#[uniffi::remote(Record)]
pub struct Listed {
    pub row: Row,
    pub delivery: Delivery,
    pub attention: Attention,
}

#[uniffi::remote(Record)]
pub struct ListPage {
    pub rows: Vec<Listed>,
    pub older: Option<ListPlace>,
    pub newer: Option<ListPlace>,
}

#[uniffi::remote(Record)]
pub struct Refused {
    pub record: RecordId,
    pub team: TeamId,
    pub author: DeviceKey,
    pub refusal: Refusal,
    pub entries: u64,
}

#[uniffi::remote(Record)]
pub struct RefusedRecord {
    pub of: Refused,
    pub lifted_by: LiftedBy,
}

#[uniffi::remote(Record)]
pub struct Suspected {
    pub one: RecordId,
    pub other: RecordId,
    pub why: Why,
}

#[uniffi::remote(Record)]
pub struct WaitingForHub {
    pub entries: u64,
    pub records: u64,
    pub since: Option<UnixMillis>,
    pub aside: u64,
    pub why_aside: Option<Reason>,
}

#[uniffi::remote(Record)]
pub struct LastSync {
    pub agreed_at: Option<i64>,
    pub is_whole: bool,
    pub failed: Option<SyncFault>,
    pub failures: u32,
    pub next_try: Option<i64>,
    pub clock_ahead: Option<i64>,
    pub hub_now: Option<i64>,
    pub held_then: i64,
}

#[uniffi::remote(Record)]
pub struct Status {
    pub waiting: WaitingForHub,
    pub last: LastSync,
    pub clock_is_off: bool,
    pub clock_behind: Option<UnixMillis>,
    pub uncertified: Vec<TeamId>,
    pub is_synced: bool,
}

#[uniffi::remote(Record)]
pub struct Progress {
    pub sent: u64,
    pub to_send: u64,
    pub received: u64,
    pub to_receive: u64,
}

#[uniffi::remote(Record)]
pub struct KnownMissing {
    pub entries: u64,
    pub devices: u64,
    pub is_doubtful: bool,
}

#[uniffi::remote(Record)]
pub struct Target {
    pub id: RecordId,
    pub team: TeamId,
    pub site: Option<String>,
    pub indicator: String,
    pub period: String,
    pub value: i64,
    pub reached: i64,
}

#[uniffi::remote(Record)]
pub struct Lasting {
    pub team: TeamId,
    pub holder: String,
    pub product: String,
    pub doses: i64,
    pub went_out: i64,
    pub days: Option<i64>,
}

#[uniffi::remote(Record)]
pub struct Alarm {
    pub what: StockAlarm,
    pub holder: String,
    pub product: String,
    pub doses: i64,
}

#[uniffi::remote(Record)]
pub struct Member {
    pub certificate: EntryId,
    pub device: DeviceKey,
    pub role: Role,
    pub is_revoked: bool,
    pub label: Option<String>,
    pub joined: UnixMillis,
    pub person: EntryId,
    pub last_synced: Option<CivilDate>,
}

#[uniffi::remote(Record)]
pub struct Own {
    pub root: DeviceKey,
    pub device: DeviceKey,
}

#[uniffi::remote(Record)]
pub struct Asked {
    pub team: TeamId,
    pub record: RecordId,
    pub by: Vec<DeviceKey>,
    pub is_by_coordinator: bool,
    pub is_here: bool,
}

#[uniffi::remote(Record)]
pub struct BundleTaken {
    pub entries: u64,
    pub new_entries: u64,
    pub turned_away: u64,
    pub reason: Option<String>,
    pub team_key_number: u64,
}

#[uniffi::remote(Record)]
pub struct BundleWritten {
    pub entries: u64,
    pub team_key: Option<u64>,
}

#[uniffi::remote(Record)]
pub struct Verified {
    pub entries: u64,
    pub unsigned: u64,
    pub records: u64,
    pub faults: Vec<VerifyFault>,
}
