//! What people read for the names of the declarations, in five languages; from `locales/`.
//!
//! A name without a word, a code of a newer version or of a programme, is shown as it is.

use crate::model::field::Shape;
use crate::model::pack::CodePack;
use crate::model::{Invalid, Kind};
use crate::sync::SyncFault;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

/// How many codes of a field are named with what is allowed.
const CODES_SHOWN: usize = 12;

/// The languages that there are words in, with their files.
pub const LANGUAGES: [(&str, &str); 5] = [
    ("en", include_str!("../../locales/en.ftl")),
    ("es", include_str!("../../locales/es.ftl")),
    ("fr", include_str!("../../locales/fr.ftl")),
    ("ar", include_str!("../../locales/ar.ftl")),
    ("uk", include_str!("../../locales/uk.ftl")),
];

/// What can be refused or fail, by code: `Words::error` says each.
pub const ERRORS: [&str; 55] = [
    "too_large",
    "not_the_root",
    "nothing_to_undo",
    "no_team_key",
    "may_not_invite",
    "not_damaged",
    "accepted_enough",
    "may_not_revoke",
    "already_a_member",
    "role",
    "split_too_often",
    "record",
    "certificate",
    "claim",
    "no_cipher",
    "key_not_had",
    "not_a_key",
    "passphrase_too_short",
    "pin_too_short",
    "pin_wait",
    "pin_wrong",
    "draft",
    "outbox",
    "team",
    "hub",
    "code",
    "enrolment",
    "pack",
    "pack_not_newer",
    "store_is_there",
    "invitation_used",
    "other_programme",
    "not_a_reply",
    "insecure_invitation",
    "not_an_invitation",
    "other_hub",
    "hub_address",
    "argument",
    "not_a_bundle",
    "bundle_not_for_us",
    "bundle_cut_off",
    "file",
    "would_lose",
    "storage_full",
    "in_use",
    "wrong_key",
    "other_version",
    "damaged",
    "suspended",
    "closed",
    "panicked",
    "no_thread",
    "no_store",
    "store",
    "store_failed",
];

/// The codes of what can be found that a person can do something about, beside why a sync failed.
pub const FINDINGS: [&str; 14] = [
    "no_team",
    "no_hub",
    "waiting_long",
    "clock_off",
    "conflicts",
    "duplicates",
    "contradicting",
    "date_in_doubt",
    "stock_below_zero",
    "waiting",
    "missing",
    "refused",
    "forks",
    "drafts",
];

/// The codes of what can be wrong with a stock.
pub const ALARMS: [&str; 3] = ["below_minimum", "expiring", "below_zero"];

/// Words in one language.
///
/// ```
/// use kitbag_core::words::Words;
///
/// let words = Words::in_language("es_MX.UTF-8");
/// assert_eq!(words.code("outcome", "survived"), "Sobrevivió");
/// assert_eq!(words.code("outcome", "a code of tomorrow"), "a code of tomorrow");
/// ```
pub struct Words {
    language: &'static str,
    bundle: FluentBundle<FluentResource>,
}

impl Words {
    /// Words in the language that a tag or a locale's name begins with; English where there are none.
    pub fn in_language(tag: &str) -> Self {
        let first: String =
            tag.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
        let found = LANGUAGES.iter().find(|(language, _)| *language == first);
        let (language, file) = found.unwrap_or(&LANGUAGES[0]);
        let tag = language.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![tag]);
        bundle.set_use_isolating(false);
        // What a line of the file says wrong is left out; a test holds the files whole.
        let resource = match FluentResource::try_new((*file).to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        bundle.add_resource_overriding(resource);
        Words { language, bundle }
    }

    /// The same with a front end's own messages beside Kitbag's: a file of `locales/` in this language.
    ///
    /// ```
    /// use kitbag_core::words::Words;
    ///
    /// let words = Words::in_language("fr").with("page-totals = Totaux de { $month }\n");
    /// assert_eq!(words.say("page-totals", &[("month", "mars")]), "Totaux de mars");
    /// ```
    pub fn with(mut self, file: &str) -> Self {
        let resource = match FluentResource::try_new(file.to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        self.bundle.add_resource_overriding(resource);
        self
    }

    /// A message with these texts filled in; its name where there is none.
    pub fn say(&self, id: &str, filled: &[(&str, &str)]) -> String {
        let mut arguments = FluentArgs::new();
        for (name, text) in filled {
            arguments.set(*name, *text);
        }
        self.formatted(id, &arguments).unwrap_or_else(|| id.to_owned())
    }

    /// A message that varies by its `number`, with these texts filled in; its name where there is none.
    pub fn count(&self, id: &str, number: i64, filled: &[(&str, &str)]) -> String {
        let mut arguments = FluentArgs::new();
        for (name, text) in filled {
            arguments.set(*name, *text);
        }
        arguments.set("number", number);
        self.formatted(id, &arguments).unwrap_or_else(|| id.to_owned())
    }

    /// The language's tag.
    pub fn language(&self) -> &'static str {
        self.language
    }

    /// A field.
    pub fn field(&self, name: &str) -> String {
        let (whole, code) = name.split_once('.').map_or((name, None), |(a, b)| (a, Some(b)));
        let field = self.message(&format!("field-{whole}")).unwrap_or_else(|| whole.to_owned());
        match code {
            None => field,
            // A field of a list, or a code of a set.
            Some(code) => {
                let inner = self.message(&format!("field-{code}"));
                format!("{field}: {}", inner.unwrap_or_else(|| self.code(whole, code)))
            }
        }
    }

    /// A code of a field; the code itself where there is no word for it.
    pub fn code(&self, field: &str, code: &str) -> String {
        let own = field.rsplit('.').next().unwrap_or(field);
        let found = self.message(&format!("code-{own}-{code}"));
        found.or_else(|| self.message(&format!("code-{code}"))).unwrap_or_else(|| code.to_owned())
    }

    /// A code of a field as the programme says it: the label of the first of its packs that has one, else
    /// Kitbag's own word; where the question was not asked, that.
    pub fn code_by(&self, packs: &[CodePack], field: &str, code: &str) -> String {
        // As totals say it, and a blank cell.
        if code.is_empty() {
            return self.not_asked();
        }
        let labels = packs.iter().map(|pack| pack.label(field, code, self.language));
        let labelled = labels.into_iter().find(|label| *label != code);
        labelled.map_or_else(|| self.code(field, code), str::to_owned)
    }

    /// A kind of record.
    pub fn kind(&self, kind: Kind) -> String {
        self.message(&format!("kind-{}", kind.name())).unwrap_or_else(|| kind.name().to_owned())
    }

    /// An indicator, a part of one, or a share.
    pub fn indicator(&self, name: &str) -> String {
        let (whole, part) = name.split_once('.').map_or((name, None), |(a, b)| (a, Some(b)));
        let found = self.message(&format!("indicator-{whole}"));
        let found = found.or_else(|| self.message(&format!("share-{whole}")));
        let found = found.unwrap_or_else(|| whole.to_owned());
        part.map_or(found.clone(), |part| format!("{found}: {}", self.code(whole, part)))
    }

    /// Where a question was not asked.
    pub fn not_asked(&self) -> String {
        self.message("not_asked").unwrap_or_default()
    }

    /// Why a record counts, or counts nowhere.
    pub fn state(&self, name: &str) -> String {
        self.message(&format!("state-{name}")).unwrap_or_else(|| name.to_owned())
    }

    /// What is wrong with an answer, and what is allowed: a sentence.
    pub fn invalid(&self, invalid: &Invalid) -> String {
        let allowed = match invalid.allowed {
            Some(shape) => self.shape(shape),
            // The sentence says that it is expected.
            None => invalid.expected.trim_start_matches("expected ").to_owned(),
        };
        let mut arguments = FluentArgs::new();
        arguments.set("field", self.field(&invalid.field));
        arguments.set("allowed", allowed);
        arguments.set("other", invalid.other.map(|other| self.field(other)).unwrap_or_default());
        let found = self.formatted(&format!("wrong-{}", invalid.wrong.code()), &arguments);
        found.unwrap_or_else(|| invalid.to_string())
    }

    /// Why a sync did not end whole, and what to do: a sentence or two.
    pub fn sync_fault(&self, fault: SyncFault) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set("number", fault.number().unwrap_or(0));
        let said = self.formatted(&format!("sync-{}", fault.code()), &arguments);
        said.unwrap_or_else(|| fault.code().to_owned())
    }

    /// What is refused or failed, by its code ([`ERRORS`]), and what to do; `number` where one goes with it.
    pub fn error(&self, code: &str, number: u64) -> String {
        self.numbered(&format!("error-{code}"), number).unwrap_or_else(|| code.to_owned())
    }

    /// What was found that a person can do something about, by its code ([`FINDINGS`]), and what to do.
    pub fn finding(&self, code: &str, number: u64) -> String {
        self.numbered(&format!("finding-{code}"), number).unwrap_or_else(|| code.to_owned())
    }

    /// What is wrong with a stock, by its code ([`ALARMS`]), with so many doses.
    pub fn alarm(&self, code: &str, doses: i64) -> String {
        self.numbered(&format!("alarm-{code}"), doses).unwrap_or_else(|| code.to_owned())
    }

    /// That so many records have a date of this year that may be wrong.
    pub fn dated_in(&self, year: i32, records: u64) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set("year", year.to_string());
        arguments.set("records", records);
        self.formatted("dated-in", &arguments).unwrap_or_else(|| format!("{year}: {records}"))
    }

    /// That so many records stand for a span of days, and count on its last.
    pub fn of_spans(&self, records: u64) -> String {
        self.numbered("of-spans", records).unwrap_or_else(|| records.to_string())
    }

    fn numbered(&self, id: &str, number: impl Into<FluentValue<'static>>) -> Option<String> {
        let mut arguments = FluentArgs::new();
        arguments.set("number", number);
        self.formatted(id, &arguments)
    }

    fn shape(&self, shape: Shape) -> String {
        let mut arguments = FluentArgs::new();
        let id = match shape {
            Shape::Code(_) => "shape-code",
            Shape::CodeSet(_) => "shape-set",
            Shape::Counts { .. } => "shape-counts",
            Shape::Date => "shape-date",
            Shape::Month => "shape-month",
            Shape::Period => "shape-period",
            Shape::Time => "shape-time",
            Shape::Int { .. } => "shape-int",
            Shape::IntOrUnknown { .. } => "shape-int_or_unknown",
            Shape::Holder => "shape-holder",
            Shape::Text => "shape-text",
            Shape::Record => "shape-record",
            Shape::List(_) => "shape-list",
        };
        if let Shape::Int { min, max }
        | Shape::IntOrUnknown { min, max }
        | Shape::Counts { min, max, .. } = shape
        {
            arguments.set("min", min);
            arguments.set("max", max);
        }
        let said = self.formatted(id, &arguments);
        let said = said.unwrap_or_else(|| crate::model::field::expected(shape));
        match shape {
            Shape::Code(codes) | Shape::CodeSet(codes) | Shape::Counts { codes, .. }
                if !codes.is_empty() =>
            {
                let more = if codes.len() > CODES_SHOWN { ", …" } else { "" };
                let shown: Vec<&str> = codes.iter().take(CODES_SHOWN).copied().collect();
                format!("{said} ({}{more})", shown.join(", "))
            }
            _ => said,
        }
    }

    /// A message by its name in `locales/`; `None` where there is none, or where it has something to fill
    /// in.
    pub fn message(&self, id: &str) -> Option<String> {
        self.formatted(id, &FluentArgs::new())
    }

    fn formatted(&self, id: &str, arguments: &FluentArgs<'_>) -> Option<String> {
        let pattern = self.bundle.get_message(id)?.value()?;
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(arguments), &mut errors);
        errors.is_empty().then(|| text.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Wrong;
    use crate::model::catalogue::{indicators, shares};
    use crate::model::field::Field;
    use std::collections::BTreeSet;

    fn names_of(field: &Field, names: &mut BTreeSet<String>) {
        names.insert(format!("field-{}", field.name));
        names.extend(field.codes().iter().map(|code| format!("code-{code}")));
        if let Shape::List(fields) = field.shape {
            fields.iter().for_each(|field| names_of(field, names));
        }
    }

    /// All that there must be words for.
    fn names() -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for kind in Kind::ALL {
            names.insert(format!("kind-{}", kind.name()));
            kind.fields().for_each(|field| names_of(field, &mut names));
        }
        names.extend(indicators().map(|indicator| format!("indicator-{}", indicator.name)));
        names.extend(shares().map(|share| format!("share-{}", share.name)));
        names.extend(Wrong::ALL.map(|wrong| format!("wrong-{}", wrong.code())));
        names.extend(ERRORS.map(|code| format!("error-{code}")));
        names.extend(SyncFault::ALL.map(|fault| format!("sync-{}", fault.code())));
        names.extend(FINDINGS.map(|code| format!("finding-{code}")));
        names.extend(ALARMS.map(|code| format!("alarm-{code}")));
        names.extend(["not_asked", "dated-in", "of-spans"].map(str::to_owned));
        names.extend(["counted", "void", "duplicate"].map(|state| format!("state-{state}")));
        names
    }

    fn ids(file: &str) -> BTreeSet<String> {
        let lines = file.lines().filter_map(|line| line.split_once(" = "));
        lines.map(|(id, _)| id.to_owned()).collect()
    }

    #[test]
    fn every_language_has_a_word_for_every_name_and_none_beside() {
        let english = ids(LANGUAGES[0].1);
        for (language, file) in LANGUAGES {
            assert!(FluentResource::try_new(file.to_owned()).is_ok(), "{language}");
            let held = ids(file);
            let missing: Vec<_> = names().difference(&held).cloned().collect();
            assert_eq!(missing, Vec::<String>::new(), "{language}");
            assert_eq!(held, english, "{language}");
            let wanted = names();
            let beside = held
                .difference(&wanted)
                .filter(|id| !id.starts_with("shape-") && id.matches('-').count() < 2);
            assert_eq!(beside.count(), 0, "{language}");
            // What varies by number goes on in further lines.
            for line in file.lines().filter(|line| line.contains(" = ")) {
                let english = LANGUAGES[0].1.lines();
                let id = line.split(" = ").next().unwrap_or_default();
                let same = english.clone().find(|other| other.starts_with(&format!("{id} = ")));
                let holes = |line: &str| line.matches("{ $").count();
                assert_eq!(same.map_or(0, holes), holes(line), "{language}: {id}");
            }
        }
    }

    #[test]
    fn an_error_is_said_in_the_readers_language() {
        let invalid = Invalid::shape("people", Shape::Int { min: 1, max: 999 });
        let said = |language: &str| Words::in_language(language).invalid(&invalid);
        assert_eq!(
            said("en"),
            "People met cannot hold this; expected a whole number from 1 to 999."
        );
        assert_eq!(
            said("fr_FR"),
            "Personnes rencontrées ne peut contenir cela ; attendu : un nombre entier de 1 à 999."
        );
        let void = Invalid::shape("void", Shape::Code(&["duplicate", "test"]));
        let said_of_codes = Words::in_language("es").invalid(&void);
        assert!(said_of_codes.ends_with("caracteres (duplicate, test)."), "{said_of_codes}");
        assert!(said("uk").starts_with("Кількість людей"));
        assert!(said("ar-EG").contains("999"));
        assert_eq!(said("xx"), said("en"));
        let waits = |language: &str, number| {
            Words::in_language(language).sync_fault(SyncFault::BudgetSpent(number))
        };
        assert!(waits("uk", 3).contains("3 записи чекають"), "{}", waits("uk", 3));
        assert!(waits("uk", 5).contains("5 записів чекають"), "{}", waits("uk", 5));
        assert!(waits("en", 1).contains("one entry waits"), "{}", waits("en", 1));
        for fault in SyncFault::ALL {
            assert!(Words::in_language("ar").sync_fault(fault).len() > fault.code().len());
        }
        for wrong in Wrong::ALL {
            let said = Words::in_language("es").invalid(&Invalid::new("people", wrong, "x"));
            assert!(!said.contains(wrong.code()), "{said}");
        }
    }
}
