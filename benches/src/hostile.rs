//! What a member who turns hostile costs a colleague's sync, against a member who does not.

use super::{Failed, NOW, REPEATS, TEAM, key, median, operations, sync_with};
use kitbag_core::engine::{Engine, Environment};
use kitbag_core::identity::{Role, SigningKey};
use kitbag_core::log::entry::{Entry, Tip, kind, sign};
use kitbag_core::log::payload::{Administration, Open, RecordPayload};
use kitbag_core::log::run::Run;
use kitbag_core::model::{EntryId, Form, Kind, LogId, Operation, RecordId, UnixMillis};
use kitbag_core::store::{Settling, Store};
use kitbag_core::sync::{self, Message};
use std::time::Instant;

/// What a member sends, in bytes by weight, as pages and a hub's budget count them: an entry weighs its
/// payload, at least 40, and 24 (docs/protocol.md, run).
const SENT_BYTES: u64 = 1 << 20;
/// As many changes of one record as one path of a log holds (docs/protocol.md, where a branch ends).
const CHANGES_MAX: u32 = 500;
/// As many new logs and branches as a hub's budget lets one member begin at once.
const BRANCHES_MAX: u8 = 100;
/// One run in a request carries so many entries.
const RUN_ENTRIES: usize = 200;
/// And about so many bytes.
const RUN_BYTES: usize = 200_000;

/// What a member writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writes {
    HonestRecords,
    ChangesOfAColleaguesReferral,
    LinksToAColleaguesRecord,
    WideChangesOfOneRecord,
    EntriesOfANewerVersion,
    TinyEntriesOfANewerVersion,
    Branches,
    Erasures,
}

const HOSTILE: [Writes; 7] = [
    Writes::ChangesOfAColleaguesReferral,
    Writes::LinksToAColleaguesRecord,
    Writes::WideChangesOfOneRecord,
    Writes::EntriesOfANewerVersion,
    Writes::TinyEntriesOfANewerVersion,
    Writes::Branches,
    Writes::Erasures,
];

/// A member who writes by hand.
struct Member {
    key: SigningKey,
    certificate: EntryId,
    logs: u8,
    log: LogId,
    tip: Tip,
    pending: Vec<Entry>,
    runs: Vec<Run>,
    sent_bytes: u64,
    written: u64,
}

impl Member {
    fn new(key: SigningKey, certificate: EntryId) -> Self {
        let tip = Tip { position: 0, id: EntryId::NONE };
        let (log, pending, runs) = (LogId([0; 16]), Vec::new(), Vec::new());
        let mut member = Member {
            key,
            certificate,
            logs: 0,
            log,
            tip,
            pending,
            runs,
            sent_bytes: 0,
            written: 0,
        };
        member.begin();
        member
    }

    fn begin(&mut self) {
        self.sign();
        self.logs += 1;
        let (team, random, certificate) = (TEAM, [self.logs; 16], self.certificate);
        let open = Open { key: self.key.device_key(), team, random, certificate };
        let entry = Entry::new(open.log(), None, (kind::OPEN, 1), None, open.encode());
        (self.log, self.tip) = (open.log(), entry.tip());
        self.pending.push(entry);
    }

    fn add(&mut self, of_kind: (u8, u16), record: Option<RecordId>, payload: Vec<u8>) -> EntryId {
        let entry = Entry::new(self.log, Some(self.tip), of_kind, record, payload);
        self.tip = entry.tip();
        self.pending.push(entry);
        self.written += 1;
        let weight: usize =
            self.pending.iter().map(|entry| entry.payload.as_ref().map_or(0, Vec::len)).sum();
        if self.pending.len() == RUN_ENTRIES || weight > RUN_BYTES {
            self.sign();
        }
        self.tip.id
    }

    fn says(&self, after: Vec<EntryId>, operations: Vec<Operation>) -> Vec<u8> {
        let salt = self.written.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        let at = UnixMillis(NOW.0 - self.written as i64 * 1_000);
        RecordPayload { salt, at, after, operations }.encode()
    }

    fn sign(&mut self) {
        let entries = std::mem::take(&mut self.pending);
        if let Some(run) = Run::of(&entries, sign(&self.key, self.log, self.tip)) {
            self.sent_bytes += run.entries.iter().map(|entry| entry.body.weight()).sum::<u64>();
            self.runs.push(run);
        }
    }

    /// Writes as much as is measured.
    fn write(&mut self, writes: Writes, of_colleague: &OfColleague) -> Result<(), Failed> {
        let mut number = 0;
        let mut seen = Vec::new();
        let open = self.tip;
        while self.sent_bytes < SENT_BYTES {
            number += 1;
            match writes {
                Writes::HonestRecords => {
                    let payload = self.says(Vec::new(), operations(number)?);
                    self.add((Kind::Reversal.number(), 1), None, payload);
                }
                Writes::ChangesOfAColleaguesReferral => {
                    if number % CHANGES_MAX == 0 {
                        self.begin();
                    }
                    let record = of_colleague.referral;
                    let payload = self.says(vec![of_colleague.creation], vec![event()]);
                    self.add((Kind::Referral.number(), 1), Some(record), payload);
                }
                Writes::LinksToAColleaguesRecord => {
                    let mut operations = operations(number)?;
                    let other = of_colleague.reversal.to_string();
                    operations.push(Operation::put("duplicate_of", other.as_str()));
                    let payload = self.says(Vec::new(), operations);
                    self.add((Kind::Reversal.number(), 1), None, payload);
                }
                Writes::WideChangesOfOneRecord => {
                    // Many values written apart, then changes that each name all of them as seen.
                    let reversal = Kind::Reversal.number();
                    if number % CHANGES_MAX == 1 {
                        self.begin();
                        let payload = self.says(Vec::new(), operations(number)?);
                        seen = vec![self.add((reversal, 1), None, payload)];
                    }
                    let Some(creation) = seen.first().copied() else { continue };
                    let is_wide = seen.len() > 400;
                    let mut after = if is_wide { seen.clone() } else { vec![creation] };
                    after.sort_unstable();
                    let place = if number % 2 == 0 { "street" } else { "shelter" };
                    let payload = self.says(after, vec![Operation::put("place", place)]);
                    let entry = self.add((reversal, 1), Some(creation.record()), payload);
                    if !is_wide {
                        seen.push(entry);
                    }
                }
                Writes::EntriesOfANewerVersion => {
                    if number % 1_000 == 0 {
                        self.begin();
                    }
                    let payload = self.says(Vec::new(), operations(number)?);
                    self.add((Kind::Reversal.number(), 999), None, payload);
                }
                Writes::TinyEntriesOfANewerVersion => {
                    if number % 1_000 == 0 {
                        self.begin();
                    }
                    self.add((200, 1), None, vec![0]);
                }
                Writes::Branches => {
                    let payload = self.says(Vec::new(), operations(number)?);
                    self.add((Kind::Reversal.number(), 1), None, payload);
                    if number % 20 == 0 && number / 20 < u32::from(BRANCHES_MAX) {
                        self.sign();
                        self.tip = open;
                    }
                }
                Writes::Erasures => {
                    let records = vec![RecordId([number as u8; 16])];
                    let ask = Administration::AskErase { records };
                    self.add((kind::ASK_ERASE, 1), None, ask.encode());
                }
            }
        }
        self.sign();
        Ok(())
    }
}

/// What the colleague holds that others name.
struct OfColleague {
    reversal: RecordId,
    referral: RecordId,
    creation: EntryId,
}

fn event() -> Operation {
    let element =
        vec![("on".to_owned(), "2018-03-01".into()), ("status".to_owned(), "made".into())];
    Operation::Append { list: "events".to_owned(), element }
}

fn referral() -> Result<Form, Failed> {
    let mut form = Form::at(Kind::Referral, "riverside", "2018-03-01".parse()?);
    for (field, value) in [
        ("service", "housing"),
        ("origin", "outreach"),
        ("urgency", "routine"),
        ("handoff", "information_only"),
        ("receiving_service", "a-service"),
    ] {
        form.put(field, value)?;
    }
    let event = [("status", "made"), ("on", "2018-03-01")];
    let event = event.into_iter().map(|(field, code)| (field.to_owned(), code.into())).collect();
    form.add("events", event)?;
    Ok(form.with_unknowns())
}

/// How long a colleague's sync takes that brings what a member wrote, in seconds; the median of five
/// colleagues, each with all else before.
fn seconds(writes: Writes) -> Result<f64, Failed> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    let mut root = Engine::found(&at("root"), &key(), Environment::system())?;
    let mut coordinator = super::device(folder.path(), "coordinator", &mut root)?;
    let mut hub = Store::open(&at("hub"), &key(), Some(root.root()), None, Settling::Behind)?;
    sync_with(&mut root, &mut hub)?;
    let mut colleagues = Vec::new();
    for number in 0..=REPEATS {
        let path = at(&format!("colleague-{number}"));
        let mut engine = Engine::device(&path, &key(), root.root(), Environment::system())?;
        let enrolment = coordinator.certify(engine.device_key(), Role::Worker, TEAM)?;
        engine.join(&enrolment)?;
        colleagues.push(engine);
    }
    let key = SigningKey::from_seed(&[66; 32]);
    let enrolment = coordinator.certify(key.device_key(), Role::Worker, TEAM)?;
    sync_with(&mut coordinator, &mut hub)?;
    let mut first = colleagues.pop().ok_or("a colleague")?;
    let reversal = first.record(TEAM, &super::reversal(1)?)?;
    let referral = first.record(TEAM, &referral()?)?;
    let creation = first.get(referral)?.history.first().map(|change| change.entry);
    let creation = creation.ok_or("a creation")?;
    sync_with(&mut first, &mut hub)?;
    for colleague in &mut colleagues {
        sync_with(colleague, &mut hub)?;
    }
    let mut member = Member::new(key, enrolment.certificate);
    member.write(writes, &OfColleague { reversal, referral, creation })?;
    for run in member.runs {
        let runs = vec![Ok(run)];
        let request = Message { teams: vec![TEAM], runs, ..Message::default() }.encode();
        let answer = sync::respond(&mut hub, member.key.device_key(), NOW, &request)?;
        if let Some(run) = Message::decode(&answer)?.turned_away.first() {
            return Err(format!("{writes:?}: turned away: {}", run.reason()).into());
        }
    }
    while hub.settle_some()? {}
    let mut times = [0.0; REPEATS];
    for (time, colleague) in times.iter_mut().zip(&mut colleagues) {
        colleague.record(TEAM, &super::reversal(2)?)?;
        let before = colleague.store().entries()?.len();
        let began = Instant::now();
        sync_with(colleague, &mut hub)?;
        *time = began.elapsed().as_secs_f64();
        if ((colleague.store().entries()?.len() - before) as u64) < member.written {
            return Err(format!("{writes:?}: not all came").into());
        }
    }
    Ok(median(times))
}

/// A colleague's sync that brings 1 MiB of the costliest that a hostile member can write, against one that
/// brings 1 MiB of honest records.
pub fn sync_ratio() -> Result<f64, Failed> {
    let honest = seconds(Writes::HonestRecords)?;
    let mut worst: f64 = 0.0;
    for writes in HOSTILE {
        let ratio = seconds(writes)? / honest;
        eprintln!("a colleague's sync beside 1 MiB of {writes:?}: {ratio:.2} × honest records");
        worst = worst.max(ratio);
    }
    Ok(worst)
}
