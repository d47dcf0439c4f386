//! `kitbag dashboard`: the coordinator's pages, from this device's own store.

use crate::Failure;
use crate::device::{StoreArguments, told_to_stop};
use kitbag_dashboard::local::Pages;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  kitbag dashboard --store coordinator.db\n\n\
    The link that it prints opens the pages once, within ten minutes; run it again for another.")]
pub struct DashboardArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Stop when standard input ends, so that it never outlives whoever started it
    #[arg(long)]
    until_stdin_ends: bool,
}

pub fn run(arguments: &DashboardArguments) -> Result<(), Failure> {
    let held = arguments.store.hold()?;
    let client = held.client().clone();
    held.serve(async {
        let pages = Pages::bind(client).await?;
        say!("open {}", pages.link());
        pages.serve(told_to_stop(arguments.until_stdin_ends)).await
    })
}
