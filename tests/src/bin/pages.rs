//! `pages FOLDER`: writes the pages that are made from the declarations. `cargo xtask pages` runs it.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    for (name, page) in kitbag_tests::pages::pages() {
        std::fs::write(Path::new(&root).join(name), page)?;
        println!("wrote {name}");
    }
    let api = kitbag_tests::api::api(Path::new(&root))?;
    std::fs::write(Path::new(&root).join(kitbag_tests::api::FILE), api)?;
    println!("wrote {}", kitbag_tests::api::FILE);
    Ok(())
}
