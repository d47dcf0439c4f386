//! What a cell says for a field: words by the mapping's tables and the lists of codes, dates, times and numbers as people
//! write them. Which words are in no table and no list is counted, column by column.

use crate::dates::{self, Order};
use crate::mapping::{MappedField, MappedSet, Mapping};
use crate::numbers::{self, NumberForm, Read};
use kitbag_core::model::field::{Field, Need, Shape};
use kitbag_core::model::pack::{CodePack, Label};
use kitbag_core::model::{Element, Invalid, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Why a row is refused: a stable code, and the column with what is allowed.
pub type Refusal = (String, String);

pub(crate) fn refusal(reason: &str, detail: &str) -> Refusal {
    (reason.to_owned(), detail.to_owned())
}

/// Whether two words are one, whatever their case and spaces.
pub(crate) fn same(one: &str, other: &str) -> bool {
    folded(one) == folded(other)
}

pub(crate) fn folded(word: &str) -> String {
    word.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// What a cell that names something names, however a spreadsheet spelled it: a number's `7.0` is its `7`.
pub(crate) fn bare(cell: &str) -> String {
    let cell = cell.split_whitespace().collect::<Vec<_>>().join(" ");
    let whole = cell.trim_end_matches('0').strip_suffix('.');
    match whole.filter(|whole| !whole.is_empty() && whole.chars().all(|one| one.is_ascii_digit())) {
        Some(whole) => whole.to_owned(),
        None => cell,
    }
}

/// A value, as digests of rows have it.
pub(crate) fn said(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(flag) => format!("bool {flag}"),
        Value::Int(number) => format!("int {number}"),
        Value::Text(text) => format!("text {text}"),
        Value::Bytes(_) => "bytes".to_owned(),
    }
}

/// The values of an element, likewise.
pub(crate) fn said_of_element(element: &Element) -> String {
    let fields = element.iter().map(|(name, value)| format!("{name}={}", said(value)));
    fields.collect::<Vec<_>>().join("\n")
}

/// A word as a code would be written.
fn as_code(word: &str) -> String {
    folded(word).replace([' ', '-'], "_")
}

/// The codes that fields have: the data dictionary's and the programme's own, by field; of the own ones each with its
/// labels, folded.
pub(crate) struct Known(BTreeMap<String, BTreeMap<String, Vec<String>>>);

impl Known {
    pub(crate) fn of(packs: &[CodePack]) -> Self {
        let mut own: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
        let mut add = |field: &str, code: &str, label: &Label| {
            let labels = match label {
                Label::Text(text) => vec![folded(text)],
                Label::ByLanguage(labels) => labels.values().map(|text| folded(text)).collect(),
            };
            own.entry(field.to_owned()).or_default().insert(code.to_owned(), labels);
        };
        for pack in packs {
            let lists = pack.lists.iter().map(|(field, codes)| (field.as_str(), codes));
            let lists = lists.chain([("site", &pack.sites), ("receiving_service", &pack.services)]);
            for (field, codes) in lists {
                codes.iter().for_each(|code| add(field, &code.code, &code.label));
            }
            pack.products.iter().for_each(|of| add("product", &of.code, &of.label));
        }
        Known(own)
    }

    /// The code of a list that a word is, or is called, whatever its case and spaces.
    fn code(&self, field: &Field, word: &str) -> Option<String> {
        let (code, folded) = (as_code(word), folded(word));
        let own = self.0.get(field.name);
        let codes = own.into_iter().flat_map(BTreeMap::keys).map(String::as_str);
        let mut all = field.codes().iter().copied().chain(codes);
        let found = all.find(|known| {
            *known == word
                || *known == code
                || as_code(known) == code
                || self::folded(known) == folded
        });
        // What two are called names neither.
        let mut called = own
            .into_iter()
            .flatten()
            .filter(|(_, labels)| labels.contains(&folded))
            .map(|(code, _)| code.as_str());
        let only = called.next().filter(|_| called.next().is_none());
        found.or(only).map(str::to_owned)
    }

    /// Whether the data dictionary lists this field's codes.
    fn has_list(&self, field: &Field) -> bool {
        !field.codes().is_empty()
    }

    /// Whether there is a list of this field's codes at all: the programme's sites and products are one, too.
    fn is_listed(&self, field: &Field) -> bool {
        self.has_list(field) || self.0.contains_key(field.name)
    }
}

/// What a word of a coded field is, by the lists that there are.
pub(crate) enum Word {
    /// This code of a list, or one of a field that has none.
    Code(String),
    /// Of no list: kept as it is, and told.
    Unknown,
    /// Of no list, where the field must be answered and the data dictionary lists its codes: refused.
    Refused,
}

impl Known {
    /// What a word is; `keeps` keeps one that would be refused.
    pub(crate) fn word(&self, field: &Field, word: &str, keeps: bool) -> Word {
        let decides = !matches!(field.need, Need::Optional) && self.has_list(field);
        match self.code(field, word) {
            Some(code) => Word::Code(code),
            None if !self.is_listed(field) => Word::Code(word.to_owned()),
            None if decides && !keeps => Word::Refused,
            None => Word::Unknown,
        }
    }
}

/// Reads cells, and remembers which words it did not know.
pub(crate) struct Values<'m> {
    mapping: &'m Mapping,
    numbers: Option<NumberForm>,
    known: Known,
    /// Whether cells come from a workbook, where a date is one whatever it looks like.
    is_typed: bool,
    /// The order of dates, by column.
    pub(crate) orders: BTreeMap<&'m str, Order>,
    /// Columns of workbooks whose cells are times of days: of one that is a day alone it is midnight.
    pub(crate) moments: BTreeSet<&'m str>,
    unknown: BTreeMap<(String, String), u64>,
}

impl<'m> Values<'m> {
    pub(crate) fn of(mapping: &'m Mapping, known: Known, is_typed: bool) -> Self {
        let numbers = mapping.numbers();
        let (orders, moments, unknown) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Values { mapping, numbers, known, is_typed, orders, moments, unknown }
    }

    pub(crate) fn take_unknown(&mut self) -> BTreeMap<(String, String), u64> {
        std::mem::take(&mut self.unknown)
    }

    /// What a cell says for a field, as [`kitbag_core::model::Form::put_text`] reads it; nothing where it was not asked.
    pub(crate) fn read(
        &mut self,
        field: &Field,
        mapped: &MappedField,
        cell: &str,
        keeps: bool,
    ) -> Result<Option<String>, Refusal> {
        if cell.is_empty() || mapped.not_asked.iter().any(|word| same(word, cell)) {
            return Ok(None);
        }
        if let Some(code) = table(&mapped.codes, cell) {
            let is_coded = matches!(field.shape, Shape::Code(_));
            if is_coded && matches!(self.known.word(field, code, keeps), Word::Refused) {
                self.note(&mapped.column, code);
                let detail = format!(
                    "column {}: the mapping's table gives a code that is in no list of {}: mend the mapping, or import with \
                     --keep-unknown-codes",
                    mapped.column, field.name
                );
                return Err(refusal("unknown_word", &detail));
            }
            return Ok(Some(code.to_owned()));
        }
        let order = self.orders.get(mapped.column.as_str()).copied();
        let wrong = || {
            let invalid = Invalid::shape(&mapped.field, field.shape);
            refusal(
                "invalid",
                &format!("column {}: {}", mapped.column, self.mapping.told(&invalid)),
            )
        };
        let kept = || cut(cell, mapped.keep_characters);
        match field.shape {
            Shape::Date => Ok(Some(self.date(mapped, cell).ok_or_else(wrong)?)),
            Shape::Month => Ok(Some(dates::month(cell, order).ok_or_else(wrong)?)),
            // Never cut: what is cut off may say that it is afternoon.
            Shape::Time => {
                let read = match &mapped.time {
                    Some(form) => dates::time_by(form, cell)
                        .or_else(|| dates::time(cell).filter(|_| self.is_typed)),
                    None => dates::time(cell),
                };
                let is_midnight = self.moments.contains(mapped.column.as_str())
                    && dates::date(cell, Some(Order::Ymd)).is_some();
                let read = read.or_else(|| is_midnight.then(|| "00:00".to_owned()));
                Ok(Some(read.ok_or_else(wrong)?))
            }
            Shape::IntOrUnknown { .. } if same(cell, "unknown") => Ok(Some("unknown".to_owned())),
            Shape::Int { min, max }
            | Shape::IntOrUnknown { min, max }
            | Shape::Counts { min, max, .. } => {
                self.number(mapped, cell, (min, max)).ok_or_else(wrong)?.map(Some)
            }
            Shape::CodeSet(_) => Ok(Some(flag(cell).ok_or_else(wrong)?.to_owned())),
            Shape::Code(_) => self.code(field, mapped, kept(), keeps).map(Some),
            _ => Ok(Some(kept().to_owned())),
        }
    }

    /// The date that a cell says, as `yyyy-mm-dd`: in the mapping's form, else in the order of the column.
    pub(crate) fn date(&self, mapped: &MappedField, cell: &str) -> Option<String> {
        let order = self.orders.get(mapped.column.as_str()).copied();
        let read = |cell: &str| match &mapped.date {
            Some(form) => dates::date_by(form, cell)
                .or_else(|| dates::date(cell, None).filter(|_| self.is_typed)),
            None => dates::date(cell, order),
        };
        read(cell).or_else(|| read(cut(cell, mapped.keep_characters)))
    }

    fn number(
        &self,
        mapped: &MappedField,
        cell: &str,
        bounds: (i64, i64),
    ) -> Option<Result<String, Refusal>> {
        match numbers::whole(cell, self.numbers, bounds) {
            Read::One(number) => Some(Ok(number.to_string())),
            Read::None => None,
            Read::Two(one, other) => {
                let detail = format!(
                    "column {}: the number may be {one} or {other}, of thousands or of parts of one: say in the mapping how numbers are \
                     written, numbers = \"1,200.5\" or \"1.200,5\"",
                    mapped.column
                );
                Some(Err(refusal("two_readings", &detail)))
            }
        }
    }

    /// A code: of the list, or as it is where lists are open.
    fn code(
        &mut self,
        field: &Field,
        mapped: &MappedField,
        word: &str,
        keeps: bool,
    ) -> Result<String, Refusal> {
        let is_of_table = mapped.codes.is_empty() || self.known.code(field, word).is_some();
        match self.known.word(field, word, keeps) {
            Word::Code(code) if is_of_table => Ok(code),
            Word::Code(_) | Word::Unknown => {
                self.note(&mapped.column, word);
                Ok(word.to_owned())
            }
            Word::Refused => {
                self.note(&mapped.column, word);
                let detail = format!(
                    "column {}: its word is in no table and no list of {}: name it in the mapping's codes, or import with \
                     --keep-unknown-codes",
                    mapped.column, field.name
                );
                Err(refusal("unknown_word", &detail))
            }
        }
    }

    /// The codes of a cell of a set.
    pub(crate) fn codes(&mut self, field: &Field, mapped: &MappedSet, cell: &str) -> Vec<String> {
        let mut codes = Vec::new();
        if mapped.not_asked.iter().any(|word| same(word, cell)) {
            return codes;
        }
        for part in crate::cells::split_codes(cell, &mapped.separator) {
            if mapped.not_asked.iter().any(|word| same(word, &part)) {
                continue;
            }
            // A number of numbers by code, or a code that is not the case, stands behind its code.
            let (word, said) = match part.rsplit_once('=') {
                Some((word, said))
                    if matches!(field.shape, Shape::Counts { .. })
                        || said == "no"
                        || said == "yes" =>
                {
                    (word, Some(said))
                }
                _ => (part.as_str(), None),
            };
            let code = match table(&mapped.codes, word) {
                Some(code) => code.to_owned(),
                None => self.known.code(field, word).unwrap_or_else(|| {
                    if self.known.is_listed(field) {
                        self.note(&mapped.column, word);
                    }
                    word.to_owned()
                }),
            };
            codes.push(said.map_or(code.clone(), |said| format!("{code}={said}")));
        }
        codes
    }

    fn note(&mut self, column: &str, word: &str) {
        *self.unknown.entry((column.to_owned(), word.to_owned())).or_default() += 1;
    }
}

impl MappedField {
    /// The code or text that a cell says, where nothing else is read from it.
    pub(crate) fn word(&self, cell: &str) -> Option<String> {
        if cell.is_empty() || self.not_asked.iter().any(|word| same(word, cell)) {
            return None;
        }
        let word = table(&self.codes, cell).unwrap_or(cell);
        Some(cut(word, self.keep_characters).to_owned())
    }
}

fn table<'t>(codes: &'t BTreeMap<String, String>, word: &str) -> Option<&'t str> {
    let exact = codes.get(word);
    exact
        .or_else(|| codes.iter().find(|(other, _)| same(other, word)).map(|(_, code)| code))
        .map(String::as_str)
}

fn cut(cell: &str, most: Option<usize>) -> &str {
    let end = most.and_then(|most| cell.char_indices().nth(most)).map_or(cell.len(), |(at, _)| at);
    cell[..end].trim_end()
}

/// Whether a cell of a column that is one code of a set says that it is the case.
fn flag(cell: &str) -> Option<&'static str> {
    match folded(cell).as_str() {
        "1" | "yes" | "y" | "true" | "x" | "1.0" => Some("yes"),
        "0" | "no" | "n" | "false" | "0.0" => Some("no"),
        _ => None,
    }
}
