//! The overview: one headline, then why.

use super::{number, percent, plain, site};
use crate::chart;
use crate::overview::{Asked, Kept, Overview};
use kitbag_core::model::CivilDate;
use kitbag_core::model::catalogue::shares_of;
use kitbag_core::model::date::Period;
use kitbag_core::model::indicator::Sums;
use kitbag_core::words::Words;
use maud::{Markup, html};

/// The indicators of the overview, in its order.
const SHOWN: [&str; 11] = [
    "kits_distributed",
    "supply_first",
    "supply_resupply",
    "reversals",
    "survived",
    "died",
    "outcome_unknown",
    "referrals_made",
    "referrals_accepted",
    "referrals_attended",
    "referrals_completed",
];
/// Those that are compared site by site.
const BY_SITE: [&str; 3] = ["kits_distributed", "reversals", "referrals_made"];
/// The periods that may be chosen.
const PERIODS: [(Period, &str); 3] =
    [(Period::Month, "month"), (Period::Quarter, "quarter"), (Period::Year, "year")];

fn of(sums: &Sums, name: &str) -> i64 {
    sums.get(name).copied().unwrap_or(0)
}

/// The page.
pub(crate) fn overview(words: &Words, asked: Asked, seen: &Overview) -> Markup {
    let title = words.say("page-overview", &[]);
    super::frame::framed(
        words,
        &title,
        true,
        &html! {
            h1 { (headline(words, seen)) }
            (lacks(words, seen))
            (chosen(words, asked, seen))
            section { (programme(words, seen)) }
            section { h2 { (words.say("page-sites", &[])) } (sites(words, seen)) }
            section { h2 { (words.say("page-phones", &[])) } (phones(words, seen)) }
            section { h2 { (words.say("page-stock", &[])) } (stock(words, seen)) }
        },
    )
}

fn headline(words: &Words, seen: &Overview) -> String {
    let (kits, reversals) = (of(&seen.all.now, "kits_distributed"), of(&seen.all.now, "reversals"));
    words.say(
        "page-headline",
        &[("kits", &number(kits)), ("reversals", &number(reversals)), ("period", &seen.name)],
    )
}

/// What these numbers lack stands before them.
fn lacks(words: &Words, seen: &Overview) -> Markup {
    let totals = &seen.totals;
    let mut lacks = Vec::new();
    let count = |name, of: u64| words.count(name, i64::try_from(of).unwrap_or(i64::MAX), &[]);
    if totals.missing.entries > 0 {
        lacks.push(count("page-missing", totals.missing.entries));
    }
    if totals.waiting > 0 {
        lacks.push(count("page-waiting", totals.waiting));
    }
    let in_doubt: u64 = totals.in_doubt.values().sum();
    if in_doubt > 0 {
        lacks.push(count("page-in_doubt", in_doubt));
    }
    if totals.of_spans > 0 {
        lacks.push(words.of_spans(totals.of_spans));
    }
    if totals.forks > 0 {
        lacks.push(count("page-forks", totals.forks));
    }
    html! {
        div.lacks role="status" {
            @if lacks.is_empty() { p.good { "✓ " (words.say("page-nothing_missing", &[])) } }
            @for lack in &lacks { p.warning { "⚠ " (lack) } }
            p { (synced(words, seen)) }
        }
    }
}

fn synced(words: &Words, seen: &Overview) -> String {
    let (all, lately) = (number(seen.phones.all as i64), number(seen.phones.lately as i64));
    words.say("page-synced", &[("all", &all), ("lately", &lately)])
}

/// Which period: by links, that anybody may keep.
fn chosen(words: &Words, asked: Asked, seen: &Overview) -> Markup {
    let (first, last) = asked.day.bounds(asked.period);
    let day = |day: i64| CivilDate::from_epoch_day(day);
    let period = PERIODS
        .iter()
        .find(|(period, _)| *period == asked.period)
        .map_or("month", |(_, name)| name);
    let link = |day: CivilDate, period: &str| format!("/?day={day}&period={period}");
    html! {
        nav aria-label=(words.say("page-period", &[])) {
            @if let Some(before) = day(first.epoch_day() - 1) {
                a href=(link(before, period)) { (words.say("page-before", &[])) }
            }
            strong { (seen.name) }
            @if let Some(after) = day(last.epoch_day() + 1) {
                a href=(link(after, period)) { (words.say("page-after", &[])) }
            }
            @for (each, name) in PERIODS {
                @let said = words.say(&format!("page-by_{name}"), &[]);
                @if each == asked.period { strong aria-current="true" { (said) } }
                @else { a href=(link(asked.day, name)) { (said) } }
            }
        }
    }
}

fn programme(words: &Words, seen: &Overview) -> Markup {
    let most = SHOWN
        .iter()
        .flat_map(|name| [of(&seen.all.now, name), of(&seen.all.before, name)])
        .max()
        .unwrap_or(0);
    html! {
        table {
            thead { tr {
                th scope="col" { (words.say("page-indicator", &[])) }
                th.number scope="col" { (seen.name) }
                th.number scope="col" { (seen.name_before) }
                th scope="col" { (words.say("page-beside", &[])) }
            } }
            tbody {
                @for name in SHOWN {
                    @let (now, before) = (of(&seen.all.now, name), of(&seen.all.before, name));
                    tr {
                        th scope="row" { (words.indicator(name)) }
                        td.number { (number(now)) }
                        td.number { (number(before)) }
                        td { (chart::pair(now, before, most)) }
                    }
                }
                (shares(words, &seen.all))
            }
        }
    }
}

fn shares(words: &Words, all: &Kept) -> Markup {
    let (now, before) = (shares_of(&all.now), shares_of(&all.before));
    let said = |share: Option<&f64>| share.map_or_else(|| "–".to_owned(), |share| percent(*share));
    html! {
        @for name in ["survival", "attended_of_made"] {
            tr {
                th scope="row" { (words.indicator(name)) }
                td.number { (said(now.get(name))) }
                td.number { (said(before.get(name))) }
                td {}
            }
        }
    }
}

fn sites(words: &Words, seen: &Overview) -> Markup {
    if seen.sites.is_empty() {
        return html! { p { (words.say("page-no_records", &[])) } };
    }
    html! {
        @for name in BY_SITE {
            @let most = seen.sites.iter().flat_map(|site| [of(&site.now, name), of(&site.before, name)]).max().unwrap_or(0);
            h3 { (words.indicator(name)) }
            table {
                thead { tr {
                    th scope="col" { (words.say("page-site", &[])) }
                    th.number scope="col" { (seen.name) }
                    th.number scope="col" { (seen.name_before) }
                    th scope="col" { (words.say("page-beside", &[])) }
                } }
                tbody {
                    @for each in &seen.sites {
                        @let (now, before) = (of(&each.now, name), of(&each.before, name));
                        @if now != 0 || before != 0 {
                            tr {
                                th scope="row" { bdi { (site(words, &each.site, &each.label)) } }
                                td.number { (number(now)) }
                                td.number { (number(before)) }
                                td { (chart::pair(now, before, most)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn phones(words: &Words, seen: &Overview) -> Markup {
    html! {
        p { (synced(words, seen)) }
        @if !seen.phones.silent.is_empty() {
            ul {
                @for (label, days) in &seen.phones.silent {
                    li {
                        bdi { @if label.is_empty() { (words.say("page-unnamed", &[])) } @else { (plain(label)) } }
                        ": "
                        @match days {
                            Some(days) => (words.count("page-silent", *days, &[])),
                            None => (words.say("page-never_synced", &[])),
                        }
                    }
                }
            }
        }
    }
}

fn stock(words: &Words, seen: &Overview) -> Markup {
    html! {
        @for alarm in &seen.stock.alarms { p.warning { "⚠ " bdi { (plain(&alarm.in_words(words))) } } }
        @if seen.stock.lasting.is_empty() { p { (words.say("page-no_stock", &[])) } }
        @else {
            table {
                thead { tr {
                    th scope="col" { (words.say("page-holder", &[])) }
                    th scope="col" { (words.field("product")) }
                    th.number scope="col" { (words.field("doses")) }
                    th.number scope="col" { (words.say("page-days_left", &[])) }
                } }
                tbody {
                    @for lasting in &seen.stock.lasting {
                        tr {
                            th scope="row" { bdi { (holder(words, &lasting.holder)) } }
                            td { bdi { (plain(&words.code("product", &lasting.product))) } }
                            td.number { (number(lasting.doses)) }
                            td.number { (lasting.days.map_or_else(|| "–".to_owned(), number)) }
                        }
                    }
                }
            }
        }
    }
}

fn holder(words: &Words, holder: &str) -> String {
    match holder.split_once(':') {
        Some(("site", code)) => plain(code),
        Some(_) => words.say("page-a_phone", &[]),
        None => plain(holder),
    }
}
