//! Code packs: a programme's sites, age bands, products, services, thresholds and labels, as data.
//!
//! A pack never decides what counts. Lists of codes are open, so a store without a pack, or with an
//! older one, holds and counts the same. A pack gives labels and the order of display, fills in what a
//! catalogue knows, says which optional questions a programme asks for, and lists what its receiver
//! wants reported.

use super::catalogue::{indicator, share};
use super::date::Period;
use super::field::{Field, Shape, is_code};
use super::{Form, Invalid, Kind, Value, Wrong};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The longest pack, in bytes of TOML: it fits one entry.
pub const PACK_BYTES_MAX: usize = 60 << 10;

/// The packs that come with Kitbag, by name.
pub const SHIPPED: [(&str, &str); 2] = [
    ("odin", include_str!("../../packs/odin.toml")),
    ("scotland", include_str!("../../packs/scotland.toml")),
];

/// A versioned set of code lists with their labels.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodePack {
    /// The pack's name, such as `odin`.
    pub name: String,
    /// The pack's version, from 1.
    pub version: u32,
    /// Where its codes come from.
    pub source: String,
    /// The zone of the programme's days, as the IANA's database names it: for files and machines that say none.
    pub time_zone: Option<String>,
    /// The month, 1 to 12, that its fiscal years begin with; April where it does not say.
    pub fiscal_year_first_month: Option<u8>,
    /// Whether workers' phones are there to capture only: what the hub has cannot be read on them.
    #[serde(default)]
    pub capture_only: bool,
    /// The reminders while an overdose goes on, in the programme's own words, in their order. A code of `other_response`, or
    /// `ems_called`, is noted where it is ticked.
    #[serde(default)]
    pub response: Vec<Code>,
    /// The programme's sites.
    #[serde(default)]
    pub sites: Vec<Code>,
    /// The product catalogue.
    #[serde(default)]
    pub products: Vec<Product>,
    /// The directory of services that people are referred to.
    #[serde(default)]
    pub services: Vec<Code>,
    /// For each coded field its codes in the order of display.
    #[serde(default)]
    pub lists: BTreeMap<String, Vec<Code>>,
    /// When somebody should be told.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// For each kind the optional fields that this programme asks for.
    #[serde(default)]
    pub require: BTreeMap<String, Vec<String>>,
    /// What the receiver wants reported, in this order.
    #[serde(default)]
    pub indicators: Vec<Reported>,
    /// The receiver's form, question by question.
    #[serde(default)]
    pub form: Vec<Question>,
}

/// One code and its label.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// What is stored and counted.
    pub code: String,
    /// What people read.
    pub label: Label,
}

/// What people read: one text, or one for each language.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Label {
    /// In whichever language the pack is written.
    Text(String),
    /// By language: `en`, `es`, `fr`, `ar`, `uk`, ….
    ByLanguage(BTreeMap<String, String>),
}

impl Label {
    /// The label in this language, or in English, or in the first that there is.
    pub fn in_language(&self, language: &str) -> &str {
        match self {
            Label::Text(text) => text,
            Label::ByLanguage(labels) => {
                let found = labels.get(language).or(labels.get("en")).or(labels.values().next());
                found.map_or("", String::as_str)
            }
        }
    }
}

/// A product of naloxone.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// What is stored and counted.
    pub code: String,
    /// What people read.
    pub label: Label,
    /// How it is given: `IN`, `IM`, ….
    pub route: String,
    /// Milligrams in one dose.
    pub mg_per_dose: f64,
    /// Doses in one kit; where absent, it is asked for with each record.
    pub doses_per_kit: Option<i64>,
    /// The product's concept in RxNorm, where it has one.
    pub rxnorm: Option<String>,
}

/// When somebody should be told.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// A holder with fewer doses of a product than this is short of it.
    pub minimum_doses: Option<i64>,
    /// What expires within so many days is shown.
    pub expiring_days: Option<i64>,
}

/// An indicator or share that a receiver wants, split by a coded field where it says so.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reported {
    /// The name of an indicator or a share.
    pub name: String,
    /// The coded field that it is split by.
    pub by: Option<String>,
    /// What the receiver calls it.
    pub label: Label,
}

/// One question of a receiver's form, and the field that answers it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What the form calls it.
    pub item: String,
    /// The kind of record.
    pub kind: String,
    /// The field; of a list's elements `list.field`.
    pub field: String,
    /// The form's answers, each with the code that stands for it; where there are none, the answer is
    /// kept as it is.
    #[serde(default)]
    pub codes: BTreeMap<String, String>,
}

/// Why a text is no pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// It is not TOML of this form; the words name the line.
    #[error("the pack cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// It names what there is not.
    #[error("the pack names no known {what}: {name}")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// Its name in the pack.
        name: String,
    },
    /// A value that cannot be meant.
    #[error("the pack's {what} is out of range; expected {expected}")]
    Range {
        /// Which.
        what: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// It is longer than an entry holds.
    #[error("the pack is longer than {PACK_BYTES_MAX} bytes")]
    TooLong,
}

impl CodePack {
    /// Reads a pack from TOML; the error names the line and what was expected there.
    pub fn from_toml(text: &str) -> Result<Self, PackError> {
        Ok(toml::from_str(text)?)
    }

    /// Reads a pack that is about to be published, and holds its names against the declarations.
    pub fn checked(text: &str) -> Result<Self, PackError> {
        if text.len() > PACK_BYTES_MAX {
            return Err(PackError::TooLong);
        }
        let pack = CodePack::from_toml(text)?;
        pack.check_values()?;
        let unknown = |what, name: &str| Err(PackError::Unknown { what, name: name.to_owned() });
        let coded = super::catalogue::coded_fields();
        for field in pack.lists.keys() {
            if !coded.contains(field) {
                return unknown("coded field", field);
            }
        }
        for (kind, fields) in &pack.require {
            let Some(of_kind) = Kind::from_name(kind) else { return unknown("kind", kind) };
            if let Some(field) = fields.iter().find(|field| of_kind.field(field).is_none()) {
                return unknown("field", field);
            }
        }
        for reported in &pack.indicators {
            let name = reported.name.split('.').next().unwrap_or_default();
            if indicator(name).is_none() && share(name).is_none() {
                return unknown("indicator", &reported.name);
            }
            if let Some(by) = reported.by.as_ref().filter(|by| !coded.contains(*by)) {
                return unknown("coded field", by);
            }
        }
        for question in &pack.form {
            if question.declared().is_none() {
                return unknown("field", &format!("{}.{}", question.kind, question.field));
            }
        }
        Ok(pack)
    }

    /// Whether its values can be meant: a pack cannot be taken back, only followed by a higher version.
    fn check_values(&self) -> Result<(), PackError> {
        let must = |holds: bool, what: String, expected| {
            if holds { Ok(()) } else { Err(PackError::Range { what, expected }) }
        };
        must(is_code(&self.name), "name".to_owned(), "1 to 64 characters")?;
        must(self.version > 0, "version".to_owned(), "1 or more")?;
        let months = self.fiscal_year_first_month.is_none_or(|month| (1..=12).contains(&month));
        must(months, "fiscal_year_first_month".to_owned(), "1 to 12")?;
        let is_zone = |zone: &String| zone.len() <= 64 && zone.bytes().all(is_of_zone);
        let zone = self.time_zone.as_ref().is_none_or(is_zone);
        must(zone, "time_zone".to_owned(), "a zone's name, such as Europe/London")?;
        let within = |value: Option<i64>, max| value.is_none_or(|value| (0..=max).contains(&value));
        let Thresholds { minimum_doses, expiring_days } = self.thresholds;
        must(within(expiring_days, 3_650), "expiring_days".to_owned(), "0 to 3650")?;
        must(within(minimum_doses, 1_000_000), "minimum_doses".to_owned(), "0 to 1000000")?;
        for product in &self.products {
            let of = |what: &str| format!("{what} of product {}", product.code);
            let doses = product.doses_per_kit.is_none_or(|doses| (1..=99).contains(&doses));
            must(doses, of("doses_per_kit"), "1 to 99")?;
            let mg = product.mg_per_dose;
            must(mg.is_finite() && mg > 0.0, of("mg_per_dose"), "a number above 0")?;
        }
        let products = self.products.iter().map(|product| &product.code).collect();
        let own = [("products", products)].into_iter();
        let lists =
            [("sites", &self.sites), ("services", &self.services), ("response", &self.response)]
                .into_iter();
        let lists = lists.chain(self.lists.iter().map(|(field, codes)| (field.as_str(), codes)));
        let lists =
            lists.map(|(name, list)| (name, list.iter().map(|entry| &entry.code).collect()));
        for (name, codes) in own.chain(lists) {
            let codes: Vec<&String> = codes;
            let all = codes.iter().all(|code| is_code(code));
            must(all, format!("codes in {name}"), "1 to 64 characters, no control characters")?;
            let once = codes.iter().collect::<BTreeSet<_>>().len() == codes.len();
            must(once, format!("codes in {name}"), "each once")?;
        }
        Ok(())
    }

    /// What people read for a code of a field; the code itself where the pack has none.
    pub fn label<'a>(&'a self, field: &str, code: &'a str, language: &str) -> &'a str {
        let listed = match field {
            "site" => Some(&self.sites),
            "receiving_service" => Some(&self.services),
            field => self.lists.get(field),
        };
        let found = listed.and_then(|list| list.iter().find(|entry| entry.code == code));
        let product = || {
            let is_product = field == "product" || field.ends_with(".product");
            let found = self.products.iter().find(|product| is_product && product.code == code);
            found.map(|product| product.label.in_language(language))
        };
        found.map(|entry| entry.label.in_language(language)).or_else(product).unwrap_or(code)
    }

    /// The product of this code.
    pub fn product(&self, code: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.code == code)
    }
}

impl Question {
    /// The kind and the field that answer the question.
    pub fn declared(&self) -> Option<(Kind, &'static Field)> {
        let kind = Kind::from_name(&self.kind)?;
        let field = match self.field.split_once('.') {
            None => kind.field(&self.field)?,
            Some((list, inner)) => match kind.field(list)?.shape {
                Shape::List(fields) => fields.iter().find(|field| field.name == inner)?,
                _ => return None,
            },
        };
        Some((kind, field))
    }
}

/// The month that fiscal years begin with, by the last of these packs that says so; else April.
pub fn first_month(packs: &[CodePack]) -> u8 {
    let said = packs.iter().rev().find_map(|pack| pack.fiscal_year_first_month);
    said.unwrap_or(Period::FIRST_MONTH)
}

fn is_of_zone(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte)
}

/// Fills in what the catalogues know, where the form has no answer: the doses of a kit. Of several
/// packs that have the product the last one's counts.
pub fn fill_in(form: &mut Form, packs: &[CodePack]) {
    let asks = form.kind().field("doses_per_kit").is_some() && form.get("doses_per_kit").is_none();
    let product = form.get("product").and_then(Value::as_text).map(str::to_owned);
    if let (true, Some(product)) = (asks, product) {
        let found = packs.iter().rev().find_map(|pack| pack.product(&product)?.doses_per_kit);
        if let Some(doses) = found {
            // A number of a catalogue that is out of range is refused with the form.
            let _ = form.put("doses_per_kit", doses);
        }
    }
}

/// The first optional field that a pack asks for and the form does not answer.
pub fn lacking(form: &Form, packs: &[CodePack]) -> Vec<&'static Field> {
    let asked = packs.iter().filter_map(|pack| pack.require.get(form.kind().name())).flatten();
    let unanswered = asked.filter(|field| {
        let prefix = format!("{field}.");
        let by_code = form.fields().keys().any(|name| name.starts_with(&prefix));
        form.get(field).is_none() && !by_code && !form.lists().contains_key(*field)
    });
    unanswered.filter_map(|field| form.kind().field(field)).collect()
}

/// What is wrong with the period of a target: a fiscal year that is none of this programme's would be shown nowhere.
pub fn fault_of_period(form: &Form, packs: &[CodePack]) -> Option<Invalid> {
    let period = form.get("period").filter(|_| form.kind() == Kind::Target)?.as_text()?;
    let is_one = Period::of_written(period, first_month(packs)).is_some();
    let expected = "expected a period as totals of this programme have it: a month, a quarter, a year, or 2018/19 where its \
                    fiscal year begins in another month than January";
    (!is_one).then(|| Invalid::new("period", Wrong::Shape, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_of_a_fiscal_year_that_the_programme_has_not_is_told() {
        let mut form = Form::new(Kind::Target);
        form.put("period", "2026/27").expect("a period");
        let pack = |month| CodePack { fiscal_year_first_month: Some(month), ..CodePack::default() };
        assert!(fault_of_period(&form, &[pack(1)]).is_some());
        assert!(
            fault_of_period(&form, &[pack(7)]).is_none() && fault_of_period(&form, &[]).is_none()
        );
    }

    const PACK: &str = r#"
        name = "sample"
        version = 1
        source = "made up"
        [lists]
        outcome = [{ code = "survived", label = { en = "came round", es = "volvió en sí" } }]
    "#;

    #[test]
    fn a_code_that_a_pack_does_not_name_is_shown_as_it_is() {
        let pack = CodePack::from_toml(PACK).expect("a pack of the test");
        assert_eq!(pack.label("outcome", "survived", "es"), "volvió en sí");
        assert_eq!(pack.label("outcome", "survived", "fr"), "came round");
        assert_eq!(pack.label("outcome", "new_code", "en"), "new_code");
        assert_eq!(pack.label("gender", "woman", "en"), "woman");
    }

    #[test]
    fn a_pack_with_an_unknown_part_is_refused_with_its_line() {
        let error = CodePack::from_toml("name = \"x\"\ncolour = 1\n").expect_err("no such part");
        assert!(error.to_string().contains("line 2"), "{error}");
        for (part, what) in [
            ("[lists]\ncolour = []", "coded field: colour"),
            ("[require]\nreversal = [\"colour\"]", "field: colour"),
            ("[[indicators]]\nname = \"colour\"\nlabel = \"x\"", "indicator: colour"),
        ] {
            let text = format!("name = \"x\"\nversion = 1\nsource = \"x\"\n{part}\n");
            let error = CodePack::checked(&text).expect_err(part);
            assert!(error.to_string().contains(what), "{error}");
        }
    }

    #[test]
    fn a_pack_with_a_value_that_cannot_be_meant_is_refused() {
        let product = |doses: &str, mg: &str| {
            format!(
                "[[products]]\ncode = \"p\"\nlabel = \"p\"\nroute = \"IN\"\n\
                 doses_per_kit = {doses}\nmg_per_dose = {mg}\n"
            )
        };
        let twice = "sites = [{ code = \"a\", label = \"a\" }, { code = \"a\", label = \"b\" }]";
        for part in [
            "[thresholds]\nexpiring_days = 100000000".to_owned(),
            "[thresholds]\nminimum_doses = -1".to_owned(),
            product("500", "4.0"),
            product("2", "nan"),
            product("2", "-1.0"),
            twice.to_owned(),
            "[lists]\noutcome = [{ code = \" x\", label = \"x\" }]".to_owned(),
        ] {
            let text = format!("name = \"x\"\nversion = 1\nsource = \"x\"\n{part}\n");
            let error = CodePack::checked(&text).expect_err(&part);
            assert!(matches!(error, PackError::Range { .. }), "{part}: {error}");
        }
        for head in ["name = \"\"\nversion = 1", "name = \"x\"\nversion = 0"] {
            assert!(CodePack::checked(&format!("{head}\nsource = \"x\"\n")).is_err(), "{head}");
        }
    }

    #[test]
    fn the_packs_that_come_with_kitbag_hold() {
        for (name, text) in SHIPPED {
            let pack = CodePack::checked(text).expect(name);
            assert_eq!(pack.name, name);
            assert!(!pack.form.is_empty() && !pack.indicators.is_empty(), "{name}");
            let of_indicators = pack.indicators.iter().map(|reported| &reported.label);
            let of_products = pack.products.iter().map(|product| &product.label);
            for label in of_indicators.chain(of_products) {
                let Label::ByLanguage(labels) = label else { panic!("{name}: {label:?}") };
                let languages: Vec<&str> = labels.keys().map(String::as_str).collect();
                assert_eq!(languages, ["ar", "en", "es", "fr", "uk"], "{name}");
            }
        }
    }

    #[test]
    fn a_catalogue_fills_in_the_doses_of_a_kit_and_a_pack_asks_for_more() {
        let text = r#"
            name = "sample"
            version = 1
            source = "made up"
            [[products]]
            code = "nasal_4mg"
            label = "Nasal spray 4 mg"
            route = "IN"
            mg_per_dose = 4.0
            doses_per_kit = 2
            [require]
            distribution = ["lot"]
        "#;
        let packs = [CodePack::checked(text).expect("a pack of the test")];
        let mut form = Form::new(Kind::Distribution);
        form.put("product", "nasal_4mg").expect("a field");
        fill_in(&mut form, &packs);
        assert_eq!(form.get("doses_per_kit"), Some(&Value::Int(2)));
        assert_eq!(lacking(&form, &packs).first().map(|field| field.name), Some("lot"));
        form.put("lot", "A1").expect("a field");
        form.put("doses_per_kit", 5).expect("a field");
        fill_in(&mut form, &packs);
        assert_eq!(form.get("doses_per_kit"), Some(&Value::Int(5)));
        assert!(lacking(&form, &packs).is_empty());
    }
}
