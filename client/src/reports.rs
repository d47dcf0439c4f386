//! What a programme's receivers want, by their code packs.

use crate::Error;
use crate::client::Client;
use kitbag_core::engine::{Engine, EngineError};
use kitbag_core::model::catalogue::share;
use kitbag_core::model::indicator::Sums;
use kitbag_core::model::pack::CodePack;
use kitbag_core::totals::{NOT_ASKED, Query, Split, Totals};

/// Reports.
pub struct Reports<'client>(pub(crate) &'client Client);

impl Client {
    /// What the programme's receivers want.
    pub fn reports(&self) -> Reports<'_> {
        Reports(self)
    }
}

/// A pack's report of a period: each indicator in the pack's order and words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The pack.
    pub pack: String,
    /// Its version.
    pub version: u32,
    /// Where its codes come from.
    pub source: String,
    /// What it reports.
    pub lines: Vec<ReportLine>,
    /// What the period's totals lack, and what counts nowhere.
    pub totals: Totals,
}

/// A line of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportLine {
    /// The indicator.
    pub indicator: String,
    /// What the receiver calls it.
    pub label: String,
    /// The field by whose codes it is split; `None` where it is not.
    pub by: Option<String>,
    /// The code; empty where it is not split.
    pub code: String,
    /// How many, or which share.
    pub value: Reported,
}

/// What an indicator comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reported {
    /// A sum.
    Sum(i64),
    /// A share of one; `None` where there is nothing that it is of.
    Share(Option<f64>),
}

impl Reports<'_> {
    /// The report of a pack, of the query's span and team, in this language; of one that the programme has, by
    /// [`crate::Programme::packs`], or of another one.
    pub async fn of_pack(
        &self,
        pack: CodePack,
        query: Query,
        language: String,
    ) -> Result<Report, Error> {
        self.0.read(move |engine| report_of(engine, &pack, &query, &language)).await
    }
}

fn report_of(
    engine: &Engine,
    pack: &CodePack,
    query: &Query,
    language: &str,
) -> Result<Report, EngineError> {
    let mut lines = Vec::new();
    for wanted in &pack.indicators {
        let label = wanted.label.in_language(language).to_owned();
        let split = wanted.by.iter().map(|field| Split::Code(field.clone())).collect();
        let totals = engine.totals(&Query { by: split, ..query.clone() })?;
        let line = |code: &str, sums: &Sums| ReportLine {
            indicator: wanted.name.clone(),
            label: label.clone(),
            by: wanted.by.clone(),
            code: code.to_owned(),
            value: reported(&wanted.name, sums),
        };
        if totals.lines.is_empty() && wanted.by.is_none() {
            lines.push(line("", &Sums::new()));
        }
        // In the order of the receiver's own list; what it does not list after it, not asked last.
        let listed = wanted.by.as_ref().and_then(|field| pack.lists.get(field));
        let mut found: Vec<(&Vec<String>, &Sums)> = totals.lines.iter().collect();
        found.sort_by_key(|(key, _)| {
            let code = key.first().map_or("", String::as_str);
            let at = listed.and_then(|list| list.iter().position(|entry| entry.code == code));
            (at.unwrap_or(usize::MAX), code == NOT_ASKED, code.to_owned())
        });
        for (key, sums) in found {
            let is_counted = sums.get(&wanted.name).is_some_and(|sum| *sum != 0);
            if wanted.by.is_none() || is_counted || share(&wanted.name).is_some() {
                lines.push(line(key.first().map_or("", String::as_str), sums));
            }
        }
    }
    let totals = engine.totals(&Query { by: Vec::new(), ..query.clone() })?;
    let (name, source) = (pack.name.clone(), pack.source.clone());
    Ok(Report { pack: name, version: pack.version, source, lines, totals })
}

fn reported(name: &str, sums: &Sums) -> Reported {
    match share(name) {
        Some(share) => Reported::Share(share.of(sums)),
        None => Reported::Sum(sums.get(name).copied().unwrap_or(0)),
    }
}
