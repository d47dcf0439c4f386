//! What a receiver of reports wants, by a code pack.

use crate::error::KitbagError;
use crate::kitbag::Kitbag;
use crate::runtime::run;
use crate::totals::{TotalsOf, TotalsSeen};
use kitbag_client::{Error, Report, ReportLine, Reported, shares_of};

/// A line of a report: a sum, or a share of one where it is of anything.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct ReportedLine {
    pub indicator: String,
    pub label: String,
    pub by: Option<String>,
    pub code: String,
    pub sum: Option<i64>,
    pub share: Option<f64>,
}

/// A pack's report of a period.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct PackReport {
    pub pack: String,
    pub version: u32,
    pub source: String,
    pub lines: Vec<ReportedLine>,
    pub totals: TotalsSeen,
}

impl From<ReportLine> for ReportedLine {
    fn from(line: ReportLine) -> Self {
        let (sum, share) = match line.value {
            Reported::Sum(sum) => (Some(sum), None),
            Reported::Share(share) => (None, share),
        };
        let ReportLine { indicator, label, by, code, .. } = line;
        ReportedLine { indicator, label, by, code, sum, share }
    }
}

impl From<Report> for PackReport {
    fn from(report: Report) -> Self {
        PackReport {
            totals: TotalsSeen::of(&report.totals, &shares_of(&report.totals)),
            lines: report.lines.into_iter().map(ReportedLine::from).collect(),
            pack: report.pack,
            version: report.version,
            source: report.source,
        }
    }
}

#[uniffi::export]
impl Kitbag {
    /// The report of one of the programme's packs, in this language.
    pub async fn report(
        &self,
        pack: String,
        of: TotalsOf,
        language: String,
    ) -> Result<PackReport, KitbagError> {
        let client = self.client()?;
        let report = async move {
            let packs = client.programme().packs().await?;
            let named = packs.into_iter().filter(|one| one.name == pack);
            let pack = named.max_by_key(|one| one.version).ok_or(Error::NotUsable("pack"))?;
            client.reports().of_pack(pack, of.into(), language).await
        };
        run(report).await.map(PackReport::from)
    }
}
