//! The native library for phones, and the packages that carry it. What a machine lacks for it is named.

use crate::shell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Android's names of the machines that apps run on.
pub const ABIS: [&str; 3] = ["arm64-v8a", "armeabi-v7a", "x86_64"];
/// Down to this API level `java.time` is there without rewriting an app's code.
const API_LEVEL: &str = "26";
/// The highest level of what the library may ask of the C library.
const API_LEVEL_MAX: u32 = 26;
/// How C is compiled for phones: small, in sections that the linker can leave out, and without tables for unwinding, as no
/// panic goes through it.
const SMALL_C: &str =
    "-Os -ffunction-sections -fdata-sections -fno-unwind-tables -fno-asynchronous-unwind-tables";
/// Newer phones have pages of 16 KiB; relocations are packed in the form that Android reads since API 23; functions that came
/// out alike are kept once, where nobody compares their addresses.
const LINKED: &str = "-C link-arg=-Wl,-z,max-page-size=16384 \
     -C link-arg=-Wl,--pack-dyn-relocs=android -C link-arg=-Wl,--icf=safe";

/// Where an app's build reads what it must be to take the AAR.
const METADATA: &str = "META-INF/com/android/build/gradle/aar-metadata.properties";

/// Where they are once they are built.
pub fn native() -> PathBuf {
    shell::target().join("android/jniLibs")
}

/// Checks the library's types for both systems, on a machine that has the C headers of neither: what C there is under it
/// is not compiled.
pub fn check() -> Result<(), String> {
    let stand_in = shell::root().join("bindings/stand-in.sh");
    for target in ["aarch64-linux-android", "aarch64-apple-ios"] {
        println!("checking for {target} …");
        shell::run(Command::new("rustup").args(["--quiet", "target", "add", target]))?;
        let mut check = shell::cargo(&["check", "--package", "kitbag-bindings", "--lib"]);
        check.args(["--target", target]);
        for tool in ["CC", "AR", "RANLIB"] {
            check.env(format!("{tool}_{}", target.replace('-', "_")), &stand_in);
        }
        // Asked for by Apple's targets alone; nothing of it is read.
        check.env("SDKROOT", shell::root().join("bindings"));
        shell::run(&mut check)?;
    }
    Ok(())
}

/// Builds the library for Android's machines.
pub fn android() -> Result<(), String> {
    if std::env::var_os("ANDROID_NDK_HOME").is_none() {
        return Err(
            "ANDROID_NDK_HOME names no NDK: install Android's NDK r27 or later, and set it"
                .to_owned(),
        );
    }
    let ndk = shell::cargo(&["ndk", "--version"]).output();
    if !ndk.is_ok_and(|output| output.status.success()) {
        return Err("cargo-ndk is not here: cargo install --locked cargo-ndk".to_owned());
    }
    let mut build = shell::cargo(&["ndk", "--platform", API_LEVEL]);
    for abi in ABIS {
        build.args(["--target", abi]);
    }
    build.arg("--output-dir").arg(native()).env("RUSTFLAGS", LINKED).env("CFLAGS", SMALL_C);
    shell::run(build.args(["build", "--package", "kitbag-bindings", "--lib", "--profile", "phone"]))
}

/// The library of the profile that phones get, for aarch64 Linux: Debian's cross compiler makes it where there is no NDK.
pub fn cross_compiled() -> Result<PathBuf, String> {
    let target = "aarch64-unknown-linux-gnu";
    let compiler = Command::new("aarch64-linux-gnu-gcc").arg("--version").output();
    if !compiler.is_ok_and(|output| output.status.success()) {
        return Err(
            "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross, to measure the library"
                .to_owned(),
        );
    }
    shell::run(Command::new("rustup").args(["--quiet", "target", "add", target]))?;
    let mut build =
        shell::cargo(&["build", "--package", "kitbag-bindings", "--lib", "--profile", "phone"]);
    build.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc");
    build.env("CC_aarch64_unknown_linux_gnu", "aarch64-linux-gnu-gcc");
    build.env("CFLAGS_aarch64_unknown_linux_gnu", SMALL_C);
    // Rust's own lld, as the NDK's linker is lld: what it makes here is for the scales alone, as glibc does not read
    // relocations that are packed for Android.
    let lld = shell::said(Command::new("rustc").args(["--print", "sysroot"]))?;
    let host = shell::said(Command::new("rustc").args(["--print", "host-tuple"]))?;
    let lld = format!("{}/lib/rustlib/{}/bin/gcc-ld", lld.trim(), host.trim());
    let flags = format!("{LINKED} -C link-arg=-fuse-ld=lld -C link-arg=-B{lld}");
    build.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS", flags);
    shell::run(build.args(["--target", target]))?;
    Ok(shell::target().join(target).join("phone/libkitbag_bindings.so"))
}

/// Packs the library, the Kotlin package and what an app's build must know of both into an AAR.
pub fn aar() -> Result<(), String> {
    let missing: Vec<&str> = ABIS
        .into_iter()
        .filter(|abi| !native().join(abi).join("libkitbag_bindings.so").exists())
        .collect();
    if !missing.is_empty() {
        return Err(format!(
            "no native library for {}: `cargo xtask android` builds them",
            missing.join(", ")
        ));
    }
    let kotlin = shell::root().join("bindings/kotlin");
    crate::bindings::generate_to_publish()?;
    shell::run(Command::new("mvn").current_dir(&kotlin).args([
        "-q",
        "-B",
        "-Dmaven.test.skip=true",
        "package",
    ]))?;
    let words = shell::target().join("words");
    crate::suites::words(&words)?;
    let out = shell::target().join("kitbag.aar");
    pack(
        &kotlin,
        &kotlin.join("target/kitbag-0.1.0.jar"),
        &native(),
        &words.join("android"),
        &out,
    )?;
    println!("{}", out.display());
    Ok(())
}

/// Puts an AAR's parts together, and zips them.
fn pack(
    kotlin: &Path,
    classes: &Path,
    native: &Path,
    words: &Path,
    out: &Path,
) -> Result<(), String> {
    let parts = out.with_extension("parts");
    let _ = fs::remove_dir_all(&parts);
    let put = |from: &Path, to: &str| -> Result<(), String> {
        let to = parts.join(to);
        let folder = to.parent().unwrap_or(&parts);
        let copied = fs::create_dir_all(folder).and_then(|()| fs::copy(from, &to));
        copied.map(drop).map_err(|error| format!("{}: {error}", from.display()))
    };
    put(&kotlin.join("android/AndroidManifest.xml"), "AndroidManifest.xml")?;
    put(&kotlin.join("android/consumer-rules.pro"), "proguard.txt")?;
    put(&kotlin.join("android/aar-metadata.properties"), METADATA)?;
    put(classes, "classes.jar")?;
    for abi in ABIS {
        put(
            &native.join(abi).join("libkitbag_bindings.so"),
            &format!("jni/{abi}/libkitbag_bindings.so"),
        )?;
    }
    for folder in fs::read_dir(words).map_err(|error| format!("{}: {error}", words.display()))? {
        let folder = folder.map_err(|error| error.to_string())?;
        let to = format!("res/{}/strings.xml", folder.file_name().to_string_lossy());
        put(&folder.path().join("strings.xml"), &to)?;
    }
    // An AAR has one, empty where the library has no resources of its own to number.
    fs::write(parts.join("R.txt"), "").map_err(|error| error.to_string())?;
    let mut jar = Command::new("jar");
    shell::run(
        jar.args(["--create", "--no-manifest", "--file"]).arg(out).arg("-C").arg(&parts).arg("."),
    )
}

/// Builds the XCFramework of iOS and macOS, on a Mac.
pub fn ios() -> Result<(), String> {
    if !cfg!(target_os = "macos") {
        return Err("an XCFramework is made on macOS, with Xcode: this machine is none".to_owned());
    }
    crate::bindings::generate_to_publish()?;
    let script = shell::root().join("bindings/swift/xcframework.sh");
    shell::run(Command::new(script).arg(shell::root()).arg(shell::target()))
}

/// What the library shows to others, and what it asks of the system: only uniffi's names, and nothing that Android's C
/// library has not since API 26.
pub fn library() -> Result<crate::suites::Outcome, String> {
    let build = ["build", "--quiet", "--workspace", "--lib"];
    shell::run(&mut shell::cargo(&build))?;
    let library = shell::target().join("debug/libkitbag_bindings.so");
    let listed = |what: &str| -> Result<String, String> {
        let output = Command::new("nm").args(["--dynamic", what]).arg(&library).output();
        let output =
            output.map_err(|error| format!("nm did not run: {error}; install binutils"))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let shown = listed("--defined-only")?;
    let known = fs::read_to_string(shell::root().join("bindings/libc.txt"))
        .map_err(|error| error.to_string())?;
    let mut faults = strangers(&shown);
    faults.extend(unknown(&listed("--undefined-only")?, &known));
    faults.iter().for_each(|fault| println!("library: {fault}"));
    let passed = shown.lines().count() as u64 - strangers(&shown).len() as u64;
    Ok(crate::suites::Outcome { passed, failed: faults.len() as u64 })
}

/// What is shown and is not uniffi's: another library of the same name in one app would meet it.
fn strangers(shown: &str) -> Vec<String> {
    let names = shown.lines().filter_map(|line| line.split_whitespace().last());
    let ours = |name: &&str| {
        !["uniffi_", "ffi_", "UNIFFI_META_"].iter().any(|start| name.starts_with(start))
    };
    names.filter(ours).map(|name| format!("{name} is shown to others")).collect()
}

/// What is asked of the system and is not on the list, or came too late. What is asked weakly may be absent.
fn unknown(asked: &str, known: &str) -> Vec<String> {
    let level = |name: &str| {
        let lines = known.lines().filter(|line| !line.starts_with('#'));
        let mut found = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.next().map(|said| said.parse::<u32>().unwrap_or(0))
    };
    let mut faults = Vec::new();
    for line in asked.lines() {
        let mut words = line.split_whitespace().rev();
        let (Some(name), Some(kind)) = (words.next(), words.next()) else { continue };
        let name = name.split('@').next().unwrap_or(name);
        match level(name) {
            _ if kind == "w" || kind == "v" => {}
            None => faults
                .push(format!("{name} is asked of the C library, and not in bindings/libc.txt")),
            Some(level) if level > API_LEVEL_MAX => {
                faults.push(format!("{name} is Android's since API {level}"));
            }
            Some(_) => {}
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aar_holds_what_an_app_needs() {
        let folder = std::env::temp_dir().join(format!("kitbag-aar-{}", std::process::id()));
        let write = |path: &str| {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, "x").expect("a file");
        };
        for abi in ABIS {
            write(&format!("native/{abi}/libkitbag_bindings.so"));
        }
        ["classes.jar", "words/values/strings.xml", "words/values-ar/strings.xml"]
            .into_iter()
            .for_each(write);
        let kotlin = shell::root().join("bindings/kotlin");
        let (native, words) = (folder.join("native"), folder.join("words"));
        let out = folder.join("kitbag.aar");
        pack(&kotlin, &folder.join("classes.jar"), &native, &words, &out).expect("packed");
        let listed =
            Command::new("jar").arg("--list").arg("--file").arg(&out).output().expect("a JDK");
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        for part in [
            "AndroidManifest.xml",
            "classes.jar",
            "R.txt",
            METADATA,
            "proguard.txt",
            "res/values-ar/strings.xml",
            "jni/arm64-v8a/libkitbag_bindings.so",
        ] {
            assert!(listed.lines().any(|line| line == part), "{part} in {listed}");
        }
        let rules = fs::read_to_string(folder.join("kitbag.parts/proguard.txt")).expect("rules");
        assert!(rules.contains("com.sun.jna.**") && rules.contains("org.kitbag.ffi.**"));
        fs::remove_dir_all(folder).expect("gone");
    }

    #[test]
    fn a_stranger_and_a_latecomer_are_named() {
        let shown = "0001 T uniffi_a\n0002 T sqlite3_open\n0003 R UNIFFI_META_B\n";
        assert_eq!(strangers(shown), ["sqlite3_open is shown to others"]);
        let asked = "  U malloc@GLIBC_2.2.5\n  w statx@GLIBC_2.28\n  U new_call\n  U getentropy@G\n  U fcntl64\n";
        let known = "# malloc_of_comments\nmalloc 0\ngetentropy 28\nfcntl64 = fcntl\n";
        assert_eq!(
            unknown(asked, known),
            [
                "new_call is asked of the C library, and not in bindings/libc.txt",
                "getentropy is Android's since API 28",
            ]
        );
    }
}
