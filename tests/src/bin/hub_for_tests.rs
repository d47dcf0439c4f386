//! `hub_for_tests FOLDER ROOT-KEY`: a hub on a free loopback port, until standard input ends. Prints
//! its address.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, root] = arguments.as_slice() else {
        return Err("expected FOLDER ROOT-KEY".into());
    };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let options = kitbag_hub::Options {
        folder: folder.into(),
        listen: ([127, 0, 0, 1], 0).into(),
        root: Some(root.parse()?),
        until_stdin_ends: true,
    };
    kitbag_hub::run(options, |address| println!("{address}"))?;
    Ok(())
}
