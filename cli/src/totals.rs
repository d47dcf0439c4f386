//! `kitbag totals`: a store's totals as tables, bars, CSV or JSON, with what they lack.

use crate::device::{Opened, StoreArguments};
use crate::screen::{self, ROWS_MAX, SpanArguments};
use crate::shown::one_line;
use crate::{Failure, failure, wrong_file};
use comfy_table::{CellAlignment, Table};
use kitbag_client::Reported;
use kitbag_core::model::catalogue::{indicator, shares_of};
use kitbag_core::model::date::Period;
use kitbag_core::model::indicator::{Sums, percentile};
use kitbag_core::model::pack::CodePack;
use kitbag_core::model::{CivilDate, Kind};
use kitbag_core::totals::{KnownMissing, Lines, Query, Split, Totals, of_kind};
use kitbag_interchange::guarded;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The most columns that parts of one indicator have: codes can be made up without end.
const PARTS_MAX: usize = 12;
/// How many characters the longest bar has.
const BAR_CHARS: i64 = 40;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    kitbag totals --store phone.db --by month\n  \
    kitbag totals --store phone.db --kind reversal --by quarter,site\n  \
    kitbag totals --store phone.db --by age_band --bars kits_distributed\n  \
    kitbag totals --store phone.db --pack scotland --from 2026-01-01\n  \
    kitbag totals --store phone.db --from 2026-01-01 --to 2026-03-31 --by site --csv > quarter.csv")]
pub struct TotalsArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    span: SpanArguments,
    /// The span as a period: 2026, 2018/19 (a fiscal year), 2026-Q1, 2026-03, 2026-W09, 2026-EW09 (MMWR)
    #[arg(long, value_name = "PERIOD", conflicts_with_all = ["from", "to"])]
    period: Option<String>,
    /// How to split, separated by commas: day, week, epi_week (MMWR), month, quarter, year, fiscal_year,
    /// site, team, author (a person: of several devices the first one's key), kind, or a coded field such as outcome, age_band or administrations.product
    #[arg(long, value_name = "PARTS", default_value = "month", value_delimiter = ',')]
    by: Vec<Split>,
    /// Only what is counted of this kind of record
    #[arg(long, value_name = "KIND", value_parser = kind_named)]
    kind: Option<Kind>,
    /// What a code pack's receiver wants, in its order and words; by its name, or a file
    #[arg(long, value_name = "PACK", conflicts_with_all = ["by", "kind", "bars"])]
    pack: Option<String>,
    /// One indicator as bars
    #[arg(long, value_name = "INDICATOR", conflicts_with_all = ["csv", "json"])]
    bars: Option<String>,
    /// As CSV: the parts, the indicator, its value
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// As JSON: `{lines: [{key, days, sums, shares}], known_missing: {entries, devices, doubtful}, date_in_doubt, of_spans, waiting,
    /// forks}`
    #[arg(long)]
    json: bool,
}

/// The kind of this name, with hyphens or underscores.
pub fn kind_named(name: &str) -> Result<Kind, String> {
    let names = || Kind::ALL.map(Kind::name).join(", ");
    Kind::from_name(&name.replace('-', "_")).ok_or_else(|| format!("expected one of {}", names()))
}

pub fn run(arguments: &TotalsArguments) -> Result<(), Failure> {
    let held = arguments.store.hold_to_read()?;
    if let Some(name) = &arguments.pack {
        return reported(&held, arguments, crate::packs::named(&held, name)?);
    }
    // Labels of the programme's own packs are shown for codes.
    let packs = held.wait(held.client().programme().packs())?;
    let first_month = held.wait(held.client().totals().first_month())?;
    let by = arguments.by.clone();
    let query = Query { kind: arguments.kind, by, ..within(&held, arguments)? };
    let query = query.with_first_month(first_month);
    let by = query.by.clone();
    let totals = held.wait(held.client().totals().of(query))?;
    match (&arguments.bars, arguments.csv, arguments.json) {
        (Some(name), _, _) => bars(&by, &named(&held, &by, totals.lines.clone())?, name, &packs)?,
        (None, true, _) => print_csv(&by, &totals.lines)?,
        (None, _, true) => {
            say!("{}", as_json(&by, &totals));
            return Ok(());
        }
        _ => tables(&by, &named(&held, &by, totals.lines.clone())?, &packs),
    }
    if !arguments.csv {
        say!("{}", missing_in_words(&totals.missing));
        say_spans(totals.of_spans);
        say_what_else(&totals.in_doubt, totals.waiting, totals.forks);
    }
    Ok(())
}

/// The team and the days that are asked for.
fn within(held: &Opened, arguments: &TotalsArguments) -> Result<Query, Failure> {
    let SpanArguments { team, mut from, mut to } = arguments.span;
    if let Some(period) = &arguments.period {
        let days = held.wait(held.client().totals().days_of(period.clone()));
        let expected = "is no period: expected one such as 2026, 2018/19, 2026-Q1, 2026-03, 2026-W09 or 2026-EW09";
        let (first, last) = days.map_err(|_| wrong_file("--period", expected))?;
        (from, to) = (Some(first), Some(last));
    }
    Ok(Query { team, from, to, ..Query::default() })
}

/// The same lines, with persons as people call them.
fn named(held: &Opened, by: &[Split], lines: Lines) -> Result<Lines, Failure> {
    let Some(author) = by.iter().position(|split| *split == Split::Author) else {
        return Ok(lines);
    };
    let names = held.names()?;
    let named = lines.into_iter().map(|(mut key, sums)| {
        if let Some(part) = key.get_mut(author)
            && let Ok(device) = part.parse()
        {
            *part = names.of(&device);
        }
        (key, sums)
    });
    Ok(named.collect())
}

/// The first and the last day of a part of totals, where it is a period.
fn days_of(split: &Split, part: &str) -> Option<(CivilDate, CivilDate)> {
    match split {
        Split::Period(Period::FiscalYear { first_month: 1 }) => Period::of_written(part, 1),
        Split::Period(Period::FiscalYear { first_month }) => Period::of_written(part, *first_month),
        Split::Period(_) => Period::of_written(part, Period::FIRST_MONTH),
        _ => None,
    }
}

/// What a pack's receiver wants: each indicator in the pack's order and words.
fn reported(held: &Opened, arguments: &TotalsArguments, pack: CodePack) -> Result<(), Failure> {
    let (language, query) = (crate::words().language().to_owned(), within(held, arguments)?);
    let report = held.wait(held.client().reports().of_pack(pack.clone(), query, language))?;
    let rows = report.lines.iter().map(|line| (line, value(line.value)));
    if arguments.json {
        let lines = rows.map(|(line, value)| {
            json!({
                "indicator": line.indicator, "label": line.label, "code": line.code, "value": value,
            })
        });
        say!(
            "{}",
            json!({ "pack": pack.name, "version": pack.version, "lines": lines.collect::<Vec<_>>() })
        );
        return Ok(());
    }
    if arguments.csv {
        let mut writer = kitbag_interchange::csv_writer(vec![]);
        writer.write_record(["indicator", "label", "code", "value"])?;
        for (line, value) in rows {
            let code = guarded(&line.code);
            writer.write_record([&line.indicator, &line.label, code.as_ref(), &value])?;
        }
        let bytes = writer.into_inner().map_err(|error| failure("the output", error))?;
        return crate::print_rows(&bytes);
    }
    let mut table = screen::table([pack.name.as_str(), "", "value"]);
    for (line, value) in rows {
        let shown = match &line.by {
            Some(field) if !line.code.is_empty() => {
                crate::words().code_by(std::slice::from_ref(&pack), field, &line.code)
            }
            _ => String::new(),
        };
        table.add_row(screen::row([&line.label, &shown, &value]));
    }
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    say!("{table}");
    say!("Source: {}", pack.source);
    say!("{}", missing_in_words(&report.totals.missing));
    say_spans(report.totals.of_spans);
    say_what_else(&report.totals.in_doubt, report.totals.waiting, report.totals.forks);
    Ok(())
}

/// A sum, or a share, as people read it.
fn value(reported: Reported) -> String {
    match reported {
        Reported::Share(share) => percent(share),
        Reported::Sum(sum) => sum.to_string(),
    }
}

/// Totals as JSON; the shares of each line beside its sums.
fn as_json(by: &[Split], totals: &Totals) -> Value {
    let lines = totals.lines.iter().map(|(key, sums)| {
        let days = by.iter().zip(key).find_map(|(split, part)| days_of(split, part));
        let days = days.map(|(first, last)| [first.to_string(), last.to_string()]);
        json!({ "key": key, "days": days, "sums": sums, "shares": shares_of(sums) })
    });
    json!({
        "lines": lines.collect::<Vec<_>>(),
        "known_missing": {
            "entries": totals.missing.entries, "devices": totals.missing.devices,
            "doubtful": totals.missing.is_doubtful,
        },
        "date_in_doubt": totals.in_doubt,
        "of_spans": totals.of_spans,
        "waiting": totals.waiting,
        "forks": totals.forks,
    })
}

fn print_csv(by: &[Split], lines: &Lines) -> Result<(), Failure> {
    let mut writer = kitbag_interchange::csv_writer(vec![]);
    let parts = by.iter().map(ToString::to_string);
    writer.write_record(parts.chain(["indicator".to_owned(), "value".to_owned()]))?;
    for (key, sums) in lines {
        for (name, n) in sums {
            let key = key.iter().map(|part| guarded(part).into_owned());
            writer.write_record(key.chain([name.clone(), n.to_string()]))?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| failure("the output", error))?;
    crate::print_rows(&bytes)
}

/// One indicator as a bar for each line, the longest as long as the screen allows.
fn bars(by: &[Split], lines: &Lines, name: &str, packs: &[CodePack]) -> Result<(), Failure> {
    let known = indicator(name).is_some() || lines.values().any(|sums| sums.contains_key(name));
    if !known {
        return Err(wrong_file("--bars", "names no indicator; docs/indicators.md lists them"));
    }
    let labels: Vec<String> =
        lines.keys().take(ROWS_MAX).map(|key| one_line(&label(by, key, packs))).collect();
    let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let longest = lines.values().map(|sums| sum(sums, name)).max().unwrap_or(0).max(1);
    say!("{}", crate::words().indicator(name));
    for (label, sums) in labels.iter().zip(lines.values()) {
        let n = sum(sums, name);
        let length = (n.max(0) * BAR_CHARS + longest - 1) / longest;
        say!("{label:width$}  {:<40}  {n}", "█".repeat(length as usize));
    }
    screen::say_rest(lines.len());
    Ok(())
}

fn label(by: &[Split], key: &[String], packs: &[CodePack]) -> String {
    let parts: Vec<String> =
        by.iter()
            .zip(key)
            .map(|(split, part)| match split {
                Split::Code(field) => crate::words().code_by(packs, field, part),
                Split::Site => crate::words().code_by(packs, "site", part),
                // Of a day, a month and a year everybody knows the days.
                Split::Period(Period::Day | Period::Month | Period::Year) => part.clone(),
                Split::Period(_) => match days_of(split, part) {
                    Some((first, last)) => format!("{part} ({first} to {last})"),
                    None => part.clone(),
                },
                Split::Kind => Kind::from_name(part)
                    .map_or_else(|| part.clone(), |kind| crate::words().kind(kind)),
                _ => part.clone(),
            })
            .collect();
    parts.join("  ")
}

/// Says how many records stand for a span of days.
fn say_spans(records: u64) {
    if records > 0 {
        say!("{}", crate::words().of_spans(records));
    }
}

/// Says which dates may be wrong, by year, what counts nowhere although it is here, and which alarm there is, with what to
/// do.
pub fn say_what_else(in_doubt: &BTreeMap<i32, u64>, waiting: u64, forks: u64) {
    for (year, records) in in_doubt {
        say!("{}", crate::words().dated_in(*year, *records));
    }
    if !in_doubt.is_empty() {
        say!(
            "kitbag list --date-in-doubt shows them; kitbag correct ID occurred_on=DATE puts one right."
        );
    }
    if waiting > 0 {
        say!("{waiting} entries are here and wait for others, or for a newer version.");
    }
    if forks > 0 {
        say!(
            "Alarm: forks of a log: {forks}. A phone was restored from a copy, or cloned; nothing is \
             lost by it. If nobody restored one, revoke its certificate."
        );
    }
}

/// A table for each kind of which anything was counted.
fn tables(by: &[Split], lines: &Lines, packs: &[CodePack]) {
    let mut any = false;
    for kind in Kind::ALL {
        let of_kind = of_kind(kind, lines);
        if !of_kind.is_empty() {
            any = true;
            say!("{}\n{}", crate::words().kind(kind), table(by, &of_kind, packs));
            screen::say_rest(of_kind.len());
        }
    }
    if !any {
        say!("Nothing was counted.");
    }
}

/// Totals as a table, with the pack's labels for codes: a row for each line, right-aligned numbers,
/// shares last. An indicator that is 0 on every line has no column.
pub fn table(by: &[Split], lines: &Lines, packs: &[CodePack]) -> Table {
    let names: BTreeSet<&String> = lines.values().flat_map(Sums::keys).collect();
    let declared = kitbag_core::model::catalogue::indicators().map(|indicator| indicator.name);
    let mut shown: Vec<String> = Vec::new();
    for name in declared {
        let prefix = format!("{name}.");
        shown.extend(
            names
                .iter()
                .filter(|n| *n == &name || is_shown_part(n, &prefix))
                .take(PARTS_MAX)
                .map(|n| (*n).clone()),
        );
    }
    let shares: Vec<_> = kitbag_core::model::catalogue::shares()
        .filter(|share| lines.values().any(|sums| share.of(sums).is_some()))
        .collect();
    let days = lines.values().any(|sums| percentile(sums, "linkage_days", 0.5).is_some());
    let parts = by.iter().map(ToString::to_string);
    // One word a line: many columns fit a page.
    let words = |name: &str| {
        let words = one_line(&crate::words().indicator(name));
        words.replace(['_', ' '], "\n")
    };
    let mut header: Vec<String> = shown.iter().map(|name| words(name)).collect();
    header.extend(shares.iter().map(|share| words(share.name)));
    if days {
        let days = crate::words().indicator("linkage_days").replace(' ', "\n");
        header.extend([format!("{days}\n50 %"), format!("{days}\n90 %")]);
    }
    let mut table = screen::table(parts.chain(header).collect::<Vec<_>>());
    for (key, sums) in lines.iter().take(ROWS_MAX) {
        let mut cells: Vec<String> = by
            .iter()
            .zip(key)
            .map(|(split, part)| {
                one_line(&label(std::slice::from_ref(split), std::slice::from_ref(part), packs))
            })
            .collect();
        cells.extend(shown.iter().map(|name| sum(sums, name).to_string()));
        cells.extend(shares.iter().map(|share| percent(share.of(sums))));
        if days {
            let of = |share| percentile(sums, "linkage_days", share);
            let words = |days: Option<i64>| days.map_or_else(|| "—".to_owned(), |d| d.to_string());
            cells.extend([words(of(0.5)), words(of(0.9))]);
        }
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(by.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Days of linkage are read as percentiles, not one by one.
fn is_shown_part(name: &str, prefix: &str) -> bool {
    name.starts_with(prefix) && prefix != "linkage_days."
}

/// A share as people read it; — where there is none.
pub fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "—".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// One indicator of a line; absent means 0.
pub fn sum(line: &Sums, indicator: &str) -> i64 {
    line.get(indicator).copied().unwrap_or(0)
}

/// What is known missing, in one line.
pub fn missing_in_words(missing: &KnownMissing) -> String {
    match missing.entries {
        0 => "Nothing is known to be missing.".to_owned(),
        entries => {
            let doubt = if missing.is_doubtful {
                " Doubtful: a device claims more than is believed; kitbag set-aside, or revoke it."
            } else {
                ""
            };
            format!(
                "{entries} entries known to exist, not yet here, from {} phones.{doubt}",
                missing.devices
            )
        }
    }
}
