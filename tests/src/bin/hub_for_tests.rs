//! `hub_for_tests FOLDER ROOT-KEY tls|insecure ADDRESS`: a hub at a loopback address, until standard input ends. Prints
//! its address.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, root, how, listen] = arguments.as_slice() else {
        return Err("expected FOLDER ROOT-KEY tls|insecure ADDRESS".into());
    };
    let (log, _flushed_at_the_end) = tracing_appender::non_blocking(std::io::stderr());
    tracing_subscriber::fmt().with_writer(log).with_ansi(false).init();
    let options = kitbag_hub::Options {
        folder: folder.into(),
        listen: listen.parse()?,
        public: None,
        root: Some(root.parse()?),
        insecure_loopback: how == "insecure",
        until_stdin_ends: true,
        budgets: kitbag_hub::Budgets::default(),
    };
    kitbag_hub::run(options, |address| println!("{address}"))?;
    Ok(())
}
