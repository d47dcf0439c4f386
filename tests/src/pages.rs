//! Pages made from the declarations: the data dictionary and the indicators. `cargo xtask pages` writes
//! them, and a test holds what is committed against them.

use kitbag_core::model::Kind;
use kitbag_core::model::catalogue::{indicators, shares};
use kitbag_core::model::declaration::WorkerMay;
use kitbag_core::model::field::{ENVELOPE, Field, Need, Shape, expected};
use kitbag_core::model::indicator::Adds;
use kitbag_core::model::rules::{Contradiction, Rule};
use std::fmt::Write;

/// The pages, by their files.
pub fn pages() -> [(&'static str, String); 2] {
    [("docs/data-dictionary.md", data_dictionary()), ("docs/indicators.md", indicators_page())]
}

fn data_dictionary() -> String {
    let mut page = String::from(
        "# Data dictionary\n\n\
         Made from the declarations in [core/src/model/kinds](../core/src/model/kinds) by `cargo xtask \
         pages`.\n\n\
         Lists of codes are open: a code that is not named here is kept, sent on and counted as it is. A \
         set of codes is kept as one field for each code, `field.code`. Sources in brackets: SCT Scotland's \
         national naloxone programme, ONT Ontario, PHE England, BC Toward the Heart, NYS/NYC New York, IL \
         Illinois, ODIN Pennsylvania's Overdose Information Network, OD2A/SOR the United States' federal \
         returns, S-O-S the initiative of UNODC and WHO, TZ Tanzania's harm-reduction module, UNGASS the \
         outcome document of 2016.\n\n\
         ## Every kind\n\n\
         From the creating entry, never written: `id`, `kind`, `team`, `author`, `recorded_at`, \
         `schema_version`.\n\n",
    );
    table(&mut page, ENVELOPE);
    for kind in Kind::ALL {
        let declaration = kind.declaration();
        let _ = write!(
            page,
            "\n## {}\n\nNumber {}: {}. ",
            kind.name(),
            kind.number(),
            declaration.about
        );
        let may = match declaration.worker_may {
            WorkerMay::ItsOwn => "A worker records it, and changes its own.".to_owned(),
            WorkerMay::ItsOwnAndAppend(list) => format!(
                "A worker records it, changes its own, and adds to `{list}` of any record of the team."
            ),
            WorkerMay::ItsOwnWhere(field, codes) => {
                format!(
                    "A worker records it where `{field}` is {}, and changes its own.",
                    codes.join(", ")
                )
            }
            WorkerMay::Nothing => "Coordinators alone record it.".to_owned(),
        };
        let _ = write!(page, "{may}\n\n");
        table(&mut page, declaration.fields);
        for field in declaration.fields {
            if let Shape::List(fields) = field.shape {
                let _ = write!(page, "\nElements of `{}`:\n\n", field.name);
                table(&mut page, fields);
            }
        }
        for rule in declaration.rules {
            let _ = write!(page, "\nRule: {}.\n", rule_in_words(*rule));
        }
        for one in declaration.contradictions {
            let _ =
                write!(page, "\nRefused where it is written: {}.\n", contradiction_in_words(*one));
        }
        for derived in declaration.derived {
            let _ =
                write!(page, "\nFollows from the others: `{}`, {}.\n", derived.name, derived.about);
        }
    }
    page
}

fn table(page: &mut String, fields: &[Field]) {
    page.push_str("| field | holds | need | what |\n|---|---|---|---|\n");
    for field in fields {
        let holds = match (field.shape, field.codes()) {
            (Shape::List(_), _) => "a list".to_owned(),
            (Shape::CodeSet(_), codes) => format!("a set of {}", codes.join(", ")),
            (Shape::Counts { min, max, .. }, codes) => {
                let codes = if codes.is_empty() { "any code" } else { &codes.join(", ") };
                format!("a number from {min} to {max} for each of {codes}")
            }
            (Shape::Code([]), _) => "a code".to_owned(),
            (Shape::Code(_), codes) => codes.join(", "),
            (shape, _) => expected(shape),
        };
        let need = match field.need {
            Need::Required => "required".to_owned(),
            Need::RequiredIf { field, codes } => format!("if {field} is {}", codes.join(" or ")),
            Need::Optional => "optional".to_owned(),
        };
        let since = match field.since {
            1 => String::new(),
            version => format!(" (since schema {version})"),
        };
        let _ = writeln!(page, "| `{}` | {holds} | {need} | {}{since} |", field.name, field.about);
    }
}

fn contradiction_in_words(contradiction: Contradiction) -> String {
    let said = |(field, codes): (&str, &[&str])| match codes {
        [] => format!("`{field}`"),
        codes => format!("`{field}` {}", codes.join(" or ")),
    };
    match contradiction {
        Contradiction::BesideElements { field, list } => {
            format!("`{field}` beside an element of `{list}`")
        }
        Contradiction::Both { field, other } => format!("{} beside {}", said(field), said(other)),
        Contradiction::Fewer { number, least, other, code } => {
            format!("`{other}` {code} with `{number}` below {least}")
        }
        Contradiction::Above { field, other } => format!("`{field}` above `{other}`"),
        Contradiction::FarApart { list, field, other } => {
            format!("`{list}.{field}` more than ten years from `{other}`")
        }
        Contradiction::NoIndicator(field) => format!("`{field}` that is no indicator's name"),
    }
}

fn rule_in_words(rule: Rule) -> String {
    match rule {
        Rule::OneElement { list, or: Some(or) } => {
            format!("`{list}` has one element or more, or `{or}` says why not")
        }
        Rule::OneElement { list, or: None } => format!("`{list}` has one element or more"),
        Rule::OneAbove0(names) => format!("one of {} is above 0", names.join(", ")),
        Rule::Differ(one, other) => format!("`{one}` and `{other}` differ"),
        Rule::AboveZeroUnless { number, field, code } => {
            format!("`{number}` is above 0, but where `{field}` is {code}")
        }
    }
}

fn indicators_page() -> String {
    let mut page = String::from(
        "# Indicators\n\n\
         Made from the declarations in [core/src/model/kinds](../core/src/model/kinds) by `cargo xtask \
         pages`.\n\n\
         Each is a sum over records that count: not void, and of records \
         linked as duplicates one. Sums can be split by day, week (ISO 8601), epidemiological week (MMWR), month, quarter, year and \
         fiscal year of the day that a record counts on, by site, team, author and kind, and by every coded field; of a field in a list only \
         the elements with that code count there. A record that was not asked is in a part of its own, which \
         JSON and CSV leave empty. The simulator recounts each of them from the words of \
         the records, with code of its own, on every store of every seed.\n\n\
         | indicator | definition | source | of |\n|---|---|---|---|\n",
    );
    for indicator in indicators() {
        let kinds: Vec<&str> = indicator.adds.iter().map(|(kind, _)| kind.name()).collect();
        let by_part = indicator.adds.iter().any(|(_, adds)| matches!(adds, Adds::ByPart(_)));
        let name =
            if by_part { format!("{}.PART", indicator.name) } else { indicator.name.to_owned() };
        let _ = writeln!(
            page,
            "| `{name}` | {} | {} | {} |",
            indicator.definition,
            indicator.source,
            kinds.join(", ")
        );
    }
    page.push_str(
        "\n## Shares\n\nA share is one sum over others; where those are 0 there is none.\n\n\
         | share | definition | source | sums |\n|---|---|---|---|\n",
    );
    for share in shares() {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} / ({}) |",
            share.name,
            share.definition,
            share.source,
            share.of,
            share.over.join(" + ")
        );
    }
    page.push_str(
        "\n`linkage_days` is kept as counts by day; its median and 90th percentile are read from them.\n\n\
         ## Stock\n\nA balance is the sum of what came in and went out, by holder, product, lot and \
         expiry, in doses: a movement's kits are counted out by the doses of a kit that the record itself \
         holds, a distribution takes kits and single doses, a reversal the known doses of this programme's \
         kits ([ADR 12](adr/0012-stock-in-doses.md)). `kitbag stock` shows who holds what, what is short, \
         what expires, and where a recalled lot went.\n\n\
         ## Completeness\n\nEvery total says how many entries are known to exist and not yet here, from how \
         many devices, by the signatures heard of each log. A hub, which alone knows when something came, counts \
         besides, for a period and a team (`kitbag completeness`; data dictionary, \
         reporting_completeness):\n\n| count | definition |\n|---|---|\n",
    );
    for (name, definition) in kitbag_core::store::COMPLETENESS {
        let _ = writeln!(page, "| `{name}` | {definition} |");
    }
    page.push_str(
        "\nA hub that was put back to an older state, or replaced, counts what comes again by the day on \
         which it came again.\n",
    );
    page
}
