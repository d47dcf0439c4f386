//! The coordinator's pages, as a browser asks for them.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::Desk;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

/// What an answer says.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// A dashboard that runs, until this is dropped.
struct Dashboard {
    process: Child,
    place: String,
    path: String,
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl Dashboard {
    fn of(desk: &Desk) -> Self {
        let mut command = desk.command(&["dashboard", "--until-stdin-ends"]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let link = line.trim().strip_prefix("open http://").unwrap().to_owned();
        let (place, path) = link.split_once('/').unwrap();
        Dashboard { process, place: place.to_owned(), path: format!("/{path}") }
    }

    /// Asks as a browser would, with these headers.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut wire = TcpStream::connect(&self.place).unwrap();
        let host = headers
            .iter()
            .find(|(name, _)| *name == "Host")
            .map_or(self.place.as_str(), |(_, host)| host);
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n"
        );
        for (name, value) in headers.iter().filter(|(name, _)| *name != "Host") {
            request += &format!("{name}: {value}\r\n");
        }
        wire.write_all((request + "\r\n").as_bytes()).unwrap();
        let mut said = String::new();
        wire.read_to_string(&mut said).unwrap();
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Opens the link; the cookie of its session.
    fn opened(&self) -> String {
        let answer = self.ask("GET", &self.path, &[]);
        assert_eq!(answer.status, 303, "{}", answer.body);
        let cookie =
            answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }
}

/// The texts of a page, one cell or line each.
fn texts(page: &str) -> Vec<String> {
    let pieces = page.split('<').filter_map(|piece| piece.split_once('>'));
    pieces.map(|(_, text)| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

/// The number in the cell after the first that says this, from there on.
fn number_after(texts: &[String], from: &str, said: &str) -> i64 {
    let begin = texts.iter().position(|text| text == from).unwrap();
    let at =
        texts[begin..].iter().position(|text| text == said).unwrap_or_else(|| panic!("no {said}"));
    texts[begin + at + 1].replace('\u{202f}', "").parse().unwrap()
}

fn fixture(name: &str) -> String {
    format!("{}/../tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_overview_of_a_real_year_is_what_was_counted_elsewhere() {
    let desk = Desk::with_packs(&["odin"]);
    let mapping = format!("{}/data/odin.toml", env!("CARGO_MANIFEST_DIR"));
    // Rows without naloxone are refused, which it says.
    let file = desk.folder.path().join("odin-2018.csv");
    std::fs::copy(fixture("odin-2018.csv"), &file).unwrap();
    desk.output(&["import", "--map", &mapping, "odin-2018.csv"]);
    let expected: Value =
        serde_json::from_str(&std::fs::read_to_string(fixture("odin-2018-expected.json")).unwrap())
            .unwrap();
    let dashboard = Dashboard::of(&desk);
    let cookie = dashboard.opened();
    let page = dashboard.ask("GET", "/?day=2018-07-01&period=year", &[("Cookie", &cookie)]);
    assert_eq!(page.status, 200);
    let said = texts(&page.body);
    assert_eq!(
        number_after(&said, "Indicator", "Reversals"),
        expected["reversals"].as_i64().unwrap()
    );
    for (name, outcome) in
        [("Survived", "survived"), ("Died", "died"), ("Outcome not known", "unknown")]
    {
        assert_eq!(
            number_after(&said, "Indicator", name),
            expected["by_outcome"][outcome].as_i64().unwrap(),
            "{name}"
        );
    }
    for (site, reversals) in expected["by_site"].as_object().unwrap() {
        let shown =
            number_after(&said, "By site", if site.is_empty() { "No site named" } else { site });
        assert_eq!(shown, reversals.as_i64().unwrap(), "{site}");
    }
    let month = dashboard.ask("GET", "/?day=2018-03-31&period=month", &[("Cookie", &cookie)]);
    let said = texts(&month.body);
    assert_eq!(
        number_after(&said, "Indicator", "Reversals"),
        expected["by_month"]["2018-03"].as_i64().unwrap()
    );
}

#[test]
fn a_link_opens_once_and_nobody_else_sees_or_does_anything() {
    let desk = Desk::new();
    let dashboard = Dashboard::of(&desk);
    assert_eq!(dashboard.ask("GET", "/", &[]).status, 403);
    assert_eq!(dashboard.ask("GET", "/open/another", &[]).status, 403);
    let cookie = dashboard.opened();
    let again = dashboard.ask("GET", &dashboard.path, &[]);
    assert_eq!(again.status, 403);
    assert!(again.body.contains("kitbag dashboard"), "it says what to do");
    let page = dashboard.ask("GET", "/", &[("Cookie", &cookie)]);
    assert_eq!(page.status, 200, "{}", page.body);
    for header in [
        "content-security-policy: default-src 'none'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
    ] {
        assert!(page.head.contains(header), "{header}");
    }
    assert!(
        !page.body.contains("<script")
            && !page.body.contains("http://")
            && !page.body.contains("style=")
    );
    // A name that somebody else had resolved to this machine is not its own.
    assert_eq!(
        dashboard.ask("GET", "/", &[("Cookie", &cookie), ("Host", "pages.example")]).status,
        421
    );
    let elsewhere = [("Cookie", cookie.as_str()), ("Origin", "http://pages.example")];
    assert_eq!(dashboard.ask("POST", "/close", &elsewhere).status, 403);
    assert_eq!(dashboard.ask("GET", "/?day=never", &[("Cookie", &cookie)]).status, 200, "today");
    assert_eq!(dashboard.ask("GET", "/?period=eon", &[("Cookie", &cookie)]).status, 400);
    let own = format!("http://{}", dashboard.place);
    assert_eq!(
        dashboard.ask("POST", "/close", &[("Cookie", &cookie), ("Origin", &own)]).status,
        200
    );
    assert_eq!(dashboard.ask("GET", "/", &[("Cookie", &cookie)]).status, 403);
}

#[test]
fn what_somebody_wrote_runs_nothing_and_hides_nothing() {
    let desk = Desk::new();
    let hostile = "<script>alert(1)</script>\u{202e}x";
    desk.says(&[
        "record",
        "contact",
        "--site",
        hostile,
        "--people",
        "3",
        "--visit",
        "new",
        "--unknowns",
    ]);
    let dashboard = Dashboard::of(&desk);
    let cookie = dashboard.opened();
    let page = dashboard.ask("GET", "/", &[("Cookie", &cookie)]);
    assert!(!page.body.contains("<script"), "{}", page.body);
    assert!(!page.body.contains('\u{202e}'));
}

#[test]
fn pages_speak_what_the_browser_asks_for_from_the_side_where_it_is_read() {
    let desk = Desk::new();
    let dashboard = Dashboard::of(&desk);
    let cookie = dashboard.opened();
    let page = |language: &str| {
        dashboard.ask("GET", "/", &[("Cookie", &cookie), ("Accept-Language", language)]).body
    };
    assert!(page("ar-EG,ar;q=0.9").contains("<html lang=\"ar\" dir=\"rtl\">"));
    assert!(page("uk").contains("Телефони"));
    assert!(page("tlh").contains("<html lang=\"en\" dir=\"ltr\">"));
}
