//! The demo apps: tested over the real library, drawn, shrunk, packed and signed, with what Maven Central and Debian offer.

use crate::bindings::{self, read};
use crate::shell;
use crate::suites::Outcome;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Android's framework of API 34, to compile against.
const FRAMEWORK: &str = "org.robolectric:android-all:14-robolectric-10818077";
/// The same, to run on this machine.
const FRAMEWORK_TO_RUN: &str =
    "org.robolectric:android-all-instrumented:14-robolectric-10818077-i7";
/// Makes Android's byte code, and leaves out what nobody calls.
const R8: &str = "com.android.tools:r8:8.5.35";
/// What calls into native libraries, with its own for phones.
const JNA: &str = "net.java.dev.jna:jna:5.19.1:aar";
/// What a phone must have at least, as the package does.
const API_LEVEL: &str = "26";

fn demo() -> PathBuf {
    shell::root().join("android-demo")
}

fn target() -> PathBuf {
    demo().join("target")
}

/// Whether what packs and signs an app is here.
pub fn has_tools() -> bool {
    let is_there = |program: &str| {
        let mut look = Command::new("sh");
        look.arg("-c").arg(format!("command -v {program}"));
        look.stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    bindings::has_maven() && ["aapt", "zipalign", "apksigner", "faketime"].into_iter().all(is_there)
}

/// Installs what packs and signs an app, and fetches what its tests run on.
pub fn set_up() -> Result<(), String> {
    if !has_tools() {
        println!("Installing what packs and signs an Android app.");
        let packages = ["install", "-y", "-qq", "--no-install-recommends"];
        let packages = packages.into_iter().chain(["aapt", "zipalign", "apksigner", "faketime"]);
        shell::run(Command::new("apt-get").args(["update", "-qq"]))?;
        shell::run(Command::new("apt-get").args(packages).stdout(Stdio::null())).map_err(
            |reason| format!("{reason}; install aapt, zipalign, apksigner, faketime, then set up"),
        )?;
    }
    for artefact in [FRAMEWORK, FRAMEWORK_TO_RUN, R8, JNA] {
        if !jar(artefact).exists() {
            println!("Fetching {artefact}.");
            let get = ["dependency:get", "-Dtransitive=false"];
            let mut fetch = bindings::maven(shell::root(), &get);
            shell::run(fetch.arg(format!("-Dartifact={artefact}")))?;
        }
    }
    Ok(())
}

/// Where Maven keeps an artefact.
fn jar(artefact: &str) -> PathBuf {
    let mut parts = artefact.split(':');
    let mut part = || parts.next().unwrap_or_default();
    let (group, name, version, ending) = (part(), part(), part(), part());
    let ending = if ending.is_empty() { "jar" } else { ending };
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let folder = home.join(".m2/repository").join(group.replace('.', "/")).join(name);
    folder.join(version).join(format!("{name}-{version}.{ending}"))
}

/// Kitbag's package, as an app takes it.
fn package() -> Result<PathBuf, String> {
    let kotlin = bindings::package("kotlin");
    shell::run(&mut bindings::maven(&kotlin, &["package", "-Dmaven.test.skip=true"]))?;
    crate::suites::words(&shell::target().join("words"))?;
    Ok(kotlin.join("target/kitbag-0.1.0.jar"))
}

/// Maven in the app's folder.
fn maven(arguments: &[&str]) -> Command {
    let mut maven = bindings::maven(&demo(), arguments);
    maven.arg(format!("-Dkitbag.target={}", shell::target().display()));
    maven
}

/// The app's tests: presentation and activities over the real library and a real hub, and its screens compared with those
/// that were looked at; then the activities once more, as R8 leaves them.
pub fn android() -> Result<Outcome, String> {
    bindings::generate()?;
    package()?;
    let reports = target().join("surefire-reports");
    let _ = fs::remove_dir_all(&reports);
    let drawn = target().join("screens");
    let _ = fs::remove_dir_all(&drawn);
    let disk = shell::target().join("small-disk");
    let mut test = Command::new(shell::root().join("bindings/small-disk.sh"));
    test.arg(&disk).arg("mvn").args(["--quiet", "--batch-mode", "test"]).current_dir(demo());
    test.arg(format!("-Dkitbag.target={}", shell::target().display()));
    test.arg(format!("-Dkitbag.small-disk={}", disk.display()));
    let mut outcome = bindings::reported(&reports, shell::run(&mut test))?;
    counted_taps(&reports)?;
    let compared = compare(&drawn, &demo().join("screens"))?;
    let shrunk = shrunk()?;
    for more in [compared, shrunk] {
        outcome.passed += more.passed;
        outcome.failed += more.failed;
    }
    Ok(outcome)
}

/// The app for iOS: its views checked against stand-ins of what Apple's systems have, its screens tested over the real
/// library and a real hub.
pub fn ios() -> Result<Outcome, String> {
    bindings::generate()?;
    crate::suites::words(&shell::target().join("words"))?;
    let in_demo = |command: &[&str]| {
        let mut swift = bindings::in_swift(command);
        swift.env("KITBAG_PACKAGE", "ios-demo").args(["--scratch-path", "target/build"]);
        swift
    };
    shell::run(&mut in_demo(&["swift", "build", "--product", "KitbagDemo"]))?;
    let mut test = in_demo(&["swift", "test", "--disable-swift-testing"]);
    bindings::counted(test.env("KITBAG_WORDS", shell::target().join("words/ios-demo")))
}

/// How often a person taps for each kind, as the tests counted.
fn counted_taps(reports: &Path) -> Result<(), String> {
    for report in fs::read_dir(reports).into_iter().flatten().flatten() {
        let text = read(&report.path())?;
        text.lines().filter(|line| line.starts_with("taps: ")).for_each(|line| println!("{line}"));
    }
    Ok(())
}

/// Whether the screens are those that somebody looked at.
fn compare(drawn: &Path, kept: &Path) -> Result<Outcome, String> {
    let names = |folder: &Path| -> Vec<std::ffi::OsString> {
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        files.map(|file| file.file_name()).collect()
    };
    let mut all = names(drawn);
    all.extend(names(kept));
    all.sort();
    all.dedup();
    let mut outcome = Outcome::default();
    for name in all {
        let same = fs::read(drawn.join(&name))
            .ok()
            .is_some_and(|drawn| fs::read(kept.join(&name)).is_ok_and(|kept| kept == drawn));
        outcome.passed += u64::from(same);
        outcome.failed += u64::from(!same);
        if !same {
            println!("screens: {} is not as it was looked at", name.to_string_lossy());
        }
    }
    if outcome.failed > 0 {
        println!("screens: `cargo xtask screens` draws them anew; look at each, then commit it");
    }
    Ok(outcome)
}

/// Draws the screens anew, into the folder where they are kept.
pub fn screens() -> Result<(), String> {
    bindings::generate()?;
    package()?;
    let kept = demo().join("screens");
    bindings::empty(&kept)?;
    let mut draw = maven(&["test", "-Dtest=ScreensTest"]);
    shell::run(draw.arg(format!("-Dkitbag.pictures={}", kept.display())))?;
    println!("{}", kept.display());
    Ok(())
}

/// What the app is made of: its classes, and the jars that it takes along.
fn program(kitbag: &Path) -> Result<Vec<PathBuf>, String> {
    let file = target().join("classpath.txt");
    let mut resolve = maven(&["dependency:build-classpath", "-DincludeScope=runtime"]);
    shell::run(resolve.arg(format!("-Dmdep.outputFile={}", file.display())))?;
    let classpath = read(&file)?;
    let jars = classpath.trim().split(':').map(PathBuf::from).filter(|jar| jar != kitbag);
    Ok(jars.chain([target().join("classes"), kitbag.to_owned()]).collect())
}

/// What R8 is told to keep: what the package ships, what the manifest names, and the app's own.
fn rules() -> Result<Vec<PathBuf>, String> {
    let named = target().join("manifest.pro");
    let mut aapt = Command::new("aapt");
    aapt.args(["package", "-f", "--auto-add-overlay", "-I"]).arg(jar(FRAMEWORK));
    aapt.arg("-M").arg(demo().join("src/main/AndroidManifest.xml"));
    aapt.arg("-S").arg(demo().join("src/main/res"));
    aapt.arg("-S").arg(shell::target().join("words/android-demo"));
    shell::run(aapt.arg("-G").arg(&named).arg("-F").arg(target().join("unused.apk")))?;
    let shipped = bindings::package("kotlin").join("android/consumer-rules.pro");
    Ok(vec![named, shipped, demo().join("proguard-rules.pro")])
}

/// R8, on the app with these rules.
fn r8(inputs: &[PathBuf], rules: &[PathBuf], flags: &[&str], out: &Path) -> Result<(), String> {
    let mut r8 = Command::new("java");
    r8.arg("-cp").arg(jar(R8)).arg("com.android.tools.r8.R8").args(flags).arg("--release");
    r8.args(libraries()?);
    for rules in rules {
        r8.arg("--pg-conf").arg(rules);
    }
    shell::run(r8.arg("--output").arg(out).args(jars(inputs)?))
}

/// What is on a phone: the framework, and what the JDK has of the rest.
fn libraries() -> Result<Vec<PathBuf>, String> {
    let beside = "dirname \"$(dirname \"$(readlink -f \"$(command -v javac)\")\")\"";
    let home = shell::said(Command::new("sh").arg("-c").arg(beside))?;
    Ok(["--lib".into(), jar(FRAMEWORK), "--lib".into(), home.trim().into()].into())
}

/// R8 takes jars alone.
fn jars(inputs: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut jars = Vec::new();
    for input in inputs {
        if input.is_dir() {
            let jar = input.with_extension("jar");
            let mut pack = Command::new("jar");
            shell::run(pack.args(["--create", "--file"]).arg(&jar).arg("-C").arg(input).arg("."))?;
            jars.push(jar);
        } else {
            jars.push(input.clone());
        }
    }
    Ok(jars)
}

/// The activity tests, on what R8 leaves of the app; what the tests call themselves is kept for them.
fn shrunk() -> Result<Outcome, String> {
    let kitbag = bindings::package("kotlin").join("target/kitbag-0.1.0.jar");
    let inputs = program(&kitbag)?;
    let called = target().join("called-by-tests.pro");
    let mut trace = Command::new("java");
    trace.arg("-cp").arg(jar(R8)).arg("com.android.tools.r8.tracereferences.TraceReferences");
    trace.args(["--keep-rules", "--map-diagnostics:MissingDefinitionsDiagnostic", "error", "none"]);
    trace.args(libraries()?);
    for input in jars(&inputs)? {
        trace.arg("--target").arg(input);
    }
    let tests = jars(&[target().join("test-classes")])?;
    trace.arg("--source").args(tests).arg("--output").arg(&called);
    shell::run(&mut trace)?;
    // Kotlin's own classes are loaded beside those of the app's world there: they keep their names.
    let kept = "\n-keepnames class kotlin.** { *; }\n-keepnames class kotlinx.** { *; }\n";
    bindings::write(&called, &(read(&called)? + kept))?;
    let mut rules = rules()?;
    rules.push(called);
    let out = target().join("shrunk.jar");
    r8(&inputs, &rules, &["--classfile"], &out)?;
    let reports = target().join("shrunk-reports");
    let _ = fs::remove_dir_all(&reports);
    let mut test = maven(&["surefire:test", "-Pshrunk", "-Dtest=ActivityTest"]);
    test.arg(format!("-Dshrunk.jar={}", out.display()));
    test.arg(format!("-Dshrunk.reports={}", reports.display()));
    bindings::reported(&reports, shell::run(&mut test))
}

/// Builds the app, whole and signed; its last line says where, or what a phone would miss.
pub fn apk() -> Result<(), String> {
    bindings::generate_to_publish()?;
    let kitbag = package()?;
    shell::run(&mut maven(&["compile"]))?;
    let parts = bindings::empty(&target().join("apk"))?;
    r8(&program(&kitbag)?, &rules()?, &["--min-api", API_LEVEL], &parts)?;
    let native = jni_libs(&parts)?;
    let unsigned = target().join("unsigned.apk");
    fs::copy(target().join("resources.apk"), &unsigned).map_err(|error| error.to_string())?;
    let mut add = Command::new("aapt");
    add.current_dir(&parts).arg("add").arg(&unsigned).arg("classes.dex").args(&native);
    shell::run(add.stdout(Stdio::null()))?;
    let out = shell::target().join("kitbag-demo.apk");
    let aligned = target().join("aligned.apk");
    shell::run(Command::new("zipalign").args(["-f", "-p", "4"]).arg(&unsigned).arg(&aligned))?;
    sign(&aligned, &out)?;
    shell::run(
        Command::new("apksigner").args(["verify", "--verbose"]).arg(&out).stdout(Stdio::null()),
    )?;
    println!("{}", out.display());
    if !native.iter().any(|path| path.ends_with("libkitbag_bindings.so")) {
        println!("no native library: will not start on a phone");
    }
    Ok(())
}

/// The native libraries, by their place in the app: Kitbag's where they were built, and those of JNA.
fn jni_libs(parts: &Path) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let put = |name: &str, bytes: &Path| -> Result<(), String> {
        let to = parts.join(name);
        let folder = to.parent().unwrap_or(parts);
        let copied = fs::create_dir_all(folder).and_then(|()| fs::copy(bytes, &to));
        copied.map(drop).map_err(|error| format!("{}: {error}", bytes.display()))
    };
    let unpacked = bindings::empty(&target().join("jna"))?;
    shell::run(
        Command::new("jar").current_dir(&unpacked).arg("--extract").arg("--file").arg(jar(JNA)),
    )?;
    for abi in crate::phones::ABIS {
        let own = crate::phones::native().join(abi).join("libkitbag_bindings.so");
        for library in [unpacked.join("jni").join(abi).join("libjnidispatch.so"), own] {
            let file = library.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if library.exists() {
                let name = format!("lib/{abi}/{file}");
                put(&name, &library)?;
                names.push(name);
            }
        }
    }
    Ok(names)
}

/// Signs with a key for development, made on first use: whoever publishes an app has one of their own.
fn sign(apk: &Path, out: &Path) -> Result<(), String> {
    let key = shell::target().join("development.keystore");
    if !key.exists() {
        let mut make = Command::new("keytool");
        make.args(["-genkeypair", "-alias", "development", "-keyalg", "RSA", "-keysize", "2048"]);
        make.args(["-validity", "10000", "-dname", "CN=Kitbag development"]);
        make.args(["-storepass", "development", "-keypass", "development", "-keystore"]).arg(&key);
        shell::run(make.stderr(Stdio::null()))?;
    }
    let mut sign = Command::new("apksigner");
    sign.args(["sign", "--ks-pass", "pass:development", "--ks"]).arg(&key);
    shell::run(sign.arg("--out").arg(out).arg(apk))
}

/// What an app may ask of a phone.
const PERMISSIONS: [&str; 5] =
    ["INTERNET", "ACCESS_NETWORK_STATE", "CAMERA", "VIBRATE", "RECEIVE_BOOT_COMPLETED"];
/// The languages that it speaks beside English.
const LANGUAGES: [&str; 4] = ["ar", "es", "fr", "uk"];

/// Builds the app, and looks into it: who may be called, what it asks for, in which languages, and that nothing is backed up.
pub fn apk_checked() -> Result<Outcome, String> {
    apk()?;
    let apk = shell::target().join("kitbag-demo.apk");
    let badging = shell::said(Command::new("aapt").args(["dump", "badging"]).arg(&apk))?;
    let manifest = shell::said(
        Command::new("aapt").args(["dump", "xmltree"]).arg(&apk).arg("AndroidManifest.xml"),
    )?;
    let faults = faults_of(&badging, &manifest);
    faults.iter().for_each(|fault| println!("apk: {fault}"));
    Ok(Outcome { passed: 4_u64.saturating_sub(faults.len() as u64), failed: faults.len() as u64 })
}

fn faults_of(badging: &str, manifest: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let asked = badging
        .lines()
        .filter_map(|line| line.strip_prefix("uses-permission: name='")?.strip_suffix('\''));
    for permission in asked {
        let short = permission.strip_prefix("android.permission.").unwrap_or(permission);
        if !PERMISSIONS.contains(&short) {
            faults.push(format!("it asks for {permission}"));
        }
    }
    let spoken = badging.lines().find(|line| line.starts_with("locales:")).unwrap_or_default();
    for language in LANGUAGES.iter().filter(|language| !spoken.contains(&format!("'{language}'"))) {
        faults.push(format!("it does not speak {language}"));
    }
    let said = |name: &str, value: &str| {
        manifest
            .lines()
            .any(|line| line.contains(&format!("android:{name}(")) && line.contains(value))
    };
    if !said("allowBackup", "0x0") || !said("dataExtractionRules", "@0x") {
        faults.push("it may be backed up".to_owned());
    }
    for class in ["MainActivity", "ScanActivity", "HarmlessActivity", "SyncJob"] {
        if !manifest.contains(&format!(".android.{class}\"")) {
            faults.push(format!("there is no {class}"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::write;

    #[test]
    fn an_app_that_asks_for_more_is_named() {
        let badging = "uses-permission: name='android.permission.INTERNET'\n\
                       uses-permission: name='android.permission.READ_CONTACTS'\n\
                       locales: '--_--' 'ar' 'es' 'uk'\n";
        let manifest = "A: android:allowBackup(0x01010280)=(type 0x12)0x0\n\
                        A: android:dataExtractionRules(0x0101063e)=@0x7f010000\n\
                        A: android:name(0x01010003)=\".android.MainActivity\"\n\
                        A: android:name(0x01010003)=\".android.ScanActivity\"\n\
                        A: android:name(0x01010003)=\".android.HarmlessActivity\"\n";
        assert_eq!(
            faults_of(badging, manifest),
            [
                "it asks for android.permission.READ_CONTACTS",
                "it does not speak fr",
                "there is no SyncJob",
            ]
        );
    }

    #[test]
    fn a_screen_that_changed_or_went_is_told() {
        let folder = std::env::temp_dir().join(format!("kitbag-screens-{}", std::process::id()));
        let (drawn, kept) = (folder.join("drawn"), folder.join("kept"));
        for (name, text) in
            [("drawn/a", "1"), ("kept/a", "1"), ("drawn/b", "1"), ("kept/b", "2"), ("kept/c", "3")]
        {
            write(&folder.join(name), text).expect("a file");
        }
        let outcome = compare(&drawn, &kept).expect("compared");
        assert_eq!((outcome.passed, outcome.failed), (1, 2));
        fs::remove_dir_all(folder).expect("gone");
    }
}
