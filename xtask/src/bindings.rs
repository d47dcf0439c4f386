//! The Kotlin and Swift packages: their generated layer, their suites, and what they need of a machine.

use crate::shell;
use crate::suites::Outcome;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is generated says of itself that everybody may use it: in Kotlin it is hidden from apps.
const KOTLIN_PUBLIC: [&str; 9] = [
    "object",
    "data class",
    "enum class",
    "typealias",
    "interface",
    "sealed class",
    "open class",
    "abstract class",
    "class",
];

/// The folder of Swift's toolchain, where the machine has none of its own.
pub fn swift_toolchain() -> PathBuf {
    shell::target().join("swift")
}

/// Whether Swift is here; the toolchain's own link leads where only it sees.
pub fn has_swift() -> bool {
    is_there("swift", "--version") || swift_toolchain().join("usr/libexec/swift/bin/swift").exists()
}

/// Whether a JDK and Maven are here.
pub fn has_maven() -> bool {
    is_there("mvn", "--version") && is_there("javac", "-version")
}

fn is_there(program: &str, flag: &str) -> bool {
    let mut command = Command::new(program);
    let status = command.arg(flag).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Installs Swift where it is not here.
pub fn set_up() -> Result<(), String> {
    if !has_maven() {
        let packages =
            ["install", "-y", "-qq", "--no-install-recommends", "maven", "default-jdk-headless"];
        shell::run(Command::new("apt-get").args(["update", "-qq"]))?;
        shell::run(Command::new("apt-get").args(packages).stdout(Stdio::null()))
            .map_err(|reason| format!("{reason}; install a JDK and Maven, then set up again"))?;
    }
    if !has_swift() {
        println!("Installing Swift; a minute and a half, 1.3 GB.");
        let script = shell::root().join("bindings/swift/toolchain.sh");
        fs::create_dir_all(shell::target()).map_err(|error| error.to_string())?;
        shell::run(Command::new(script).arg(swift_toolchain()))
            .map_err(|reason| format!("{reason}; put Swift 6 on the PATH, then set up again"))?;
    }
    Ok(())
}

/// For tests the library is built with what a scenario asks for; what is published has none of it, and the generated layer
/// must be that of its library: JNA and linkers look all names up.
const FOR_TESTS: [&str; 2] = ["--features", "kitbag-bindings/scenario"];

/// Builds the native library for tests and the command line, and writes both languages' generated layers.
pub fn generate() -> Result<(), String> {
    generate_with(&FOR_TESTS)
}

/// The same as apps get it.
pub fn generate_to_publish() -> Result<(), String> {
    generate_with(&[])
}

fn generate_with(features: &[&str]) -> Result<(), String> {
    let build =
        ["build", "--quiet", "--workspace", "--lib", "--bin", "kitbag", "--bin", "kitbag-bindgen"];
    shell::run(shell::cargo(&build).args(features))?;
    let generated = shell::target().join("bindings");
    let _ = fs::remove_dir_all(&generated);
    for language in ["kotlin", "swift"] {
        let mut bindgen = Command::new(shell::target().join("debug/kitbag-bindgen"));
        bindgen.arg("generate").arg(native_library());
        bindgen.arg("--config").arg(shell::root().join("bindings/uniffi.toml"));
        bindgen.args(["--no-format", "--language", language]);
        shell::run(bindgen.arg("--out-dir").arg(generated.join(language)))?;
    }
    let kotlin = package("kotlin").join("target/generated-sources/uniffi/org/kitbag/ffi/kitbag.kt");
    let hidden = hide(&read(&generated.join("kotlin/org/kitbag/ffi/kitbag.kt"))?);
    write(&kotlin, &hidden)?;
    let swift = package("swift").join("target/generated");
    for (from, to) in [
        ("KitbagGenerated.swift", "KitbagGenerated/KitbagGenerated.swift"),
        ("KitbagFFI.h", "KitbagFFI/KitbagFFI.h"),
        ("KitbagFFI.modulemap", "KitbagFFI/module.modulemap"),
    ] {
        write(&swift.join(to), &read(&generated.join("swift").join(from))?)?;
    }
    words(&swift.join("KitbagGenerated"))
}

/// The words of all languages, as Apple's tools read them, beside the generated layer: apps find them in its bundle.
fn words(target: &Path) -> Result<(), String> {
    let all = shell::target().join("words");
    crate::suites::words(&all)?;
    for folder in fs::read_dir(all.join("ios")).map_err(|error| error.to_string())?.flatten() {
        for name in ["Localizable.strings", "Localizable.stringsdict"] {
            let text = read(&folder.path().join(name))?;
            write(&target.join("Words").join(folder.file_name()).join(name), &text)?;
        }
    }
    write(
        &target.join("Words.swift"),
        "import Foundation\n\n/// Where the words are.\npublic let words = Bundle.module\n",
    )
}

/// The library as the machine names it.
fn native_library() -> PathBuf {
    shell::target().join(format!("debug/libkitbag_bindings{}", std::env::consts::DLL_SUFFIX))
}

/// Kotlin's generated layer, with nothing in it that an app could name.
fn hide(generated: &str) -> String {
    let hidden = |line: &str| -> String {
        let bare = line.strip_prefix("public ").unwrap_or(line);
        if KOTLIN_PUBLIC
            .iter()
            .any(|word| bare.strip_prefix(word).is_some_and(|rest| rest.starts_with(' ')))
            || bare.starts_with("fun ")
            || bare.starts_with("inline fun ")
        {
            return format!("internal {bare}");
        }
        // Functions outside classes, as the generator indents them.
        for start in
            ["     fun ", "     suspend fun ", "         */ fun ", "         */ suspend fun "]
        {
            if let Some(rest) = line.strip_prefix(start) {
                let (before, word) =
                    start.split_at(start.len() - start.trim_start_matches([' ', '*', '/']).len());
                return format!("{before}internal {word}{rest}");
            }
        }
        line.to_owned()
    };
    generated.lines().map(hidden).collect::<Vec<_>>().join("\n")
}

/// Kotlin's suite, against the real library.
pub fn kotlin() -> Result<Outcome, String> {
    generate()?;
    let reports = package("kotlin").join("target/surefire-reports");
    let _ = fs::remove_dir_all(&reports);
    let disk = shell::target().join("small-disk");
    let mut maven = Command::new(shell::root().join("bindings/small-disk.sh"));
    maven.arg(&disk).arg("mvn").current_dir(package("kotlin"));
    maven.args(["--quiet", "--batch-mode", "test"]);
    maven.arg(format!("-Dkitbag.small-disk={}", disk.display()));
    let native = shell::target().join("debug");
    maven.arg(format!("-Dkitbag.native={}", native.display()));
    let ran = shell::run(&mut maven);
    reported(&reports, ran)
}

/// What surefire's reports say of a run.
pub fn reported(reports: &Path, ran: Result<(), String>) -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    for report in fs::read_dir(reports).into_iter().flatten().flatten() {
        let path = report.path();
        if path.extension().is_some_and(|ending| ending == "xml") {
            let text = read(&path)?;
            let suite = text.split("<testsuite ").nth(1).unwrap_or_default();
            let number = |name: &str| -> u64 {
                let after = suite.split(&format!(" {name}=\"")).nth(1).unwrap_or_default();
                after.split('"').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
            };
            let failed = number("failures") + number("errors") + number("skipped");
            outcome.failed += failed;
            outcome.passed += number("tests").saturating_sub(failed);
        }
    }
    match ran {
        Err(reason) if outcome.failed == 0 => Err(reason),
        _ => Ok(outcome),
    }
}

/// Swift's suite, against the real library.
pub fn swift() -> Result<Outcome, String> {
    generate()?;
    let test = ["swift", "test", "--disable-swift-testing", "--scratch-path", "target/build"];
    let mut swift = in_swift(&test);
    swift.args(["-Xswiftc", "-warnings-as-errors"]);
    counted(&mut swift)
}

/// Runs Swift's tests, and counts them.
pub fn counted(swift: &mut Command) -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    let succeeded = shell::watch(swift, |line| {
        if let Some(counts) = line.trim_start().strip_prefix("Executed ") {
            let number = |word: &str| -> u64 {
                let before = counts.split(word).next().unwrap_or_default();
                before.rsplit(' ').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
            };
            let failed = number(" failure") + number(" test skipped") + number(" tests skipped");
            // Each suite says it, and the last line of all.
            outcome = Outcome { passed: number(" test").saturating_sub(failed), failed };
        }
    })?;
    match succeeded || outcome.failed > 0 {
        true => Ok(outcome),
        false => Err("swift test did not run".to_owned()),
    }
}

/// What the three languages observed and exported of one week is the same, byte for byte, and what the apps' screens export
/// of it. Their suites ran before.
pub fn scenario() -> Result<Outcome, String> {
    let rust = shell::target().join("tmp/scenario/rust");
    let mut outcome = Outcome::default();
    for file in fs::read_dir(&rust).map_err(|error| format!("{}: {error}", rust.display()))? {
        let name = file.map_err(|error| error.to_string())?.file_name();
        let expected = fs::read(rust.join(&name)).map_err(|error| error.to_string())?;
        let apps = ["android-demo", "ios-demo"].map(|app| shell::root().join(app));
        for of in [package("kotlin"), package("swift")].iter().chain(&apps) {
            // What changes an app observes is its own.
            if apps.contains(of) && name == "observed.txt" {
                continue;
            }
            let of = of.join("target/scenario").join(&name);
            let is_same = fs::read(&of).is_ok_and(|found| !found.is_empty() && found == expected);
            outcome.passed += u64::from(is_same);
            outcome.failed += u64::from(!is_same);
            if !is_same {
                println!("scenario: {} is not what Rust's suite wrote", of.display());
            }
        }
    }
    Ok(outcome)
}

/// Two processes of the JVM and one of Swift record with no signal, meet by bundle and by a hub, and end equal.
pub fn meeting() -> Result<Outcome, String> {
    generate()?;
    let folder = package("swift").join("target/meeting");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut script = Command::new(shell::root().join("bindings/meeting.sh"));
    script.arg(shell::target().join("debug/kitbag")).arg(&folder);
    script.env("KOTLIN", java("org.kitbag.MeetingKt")?).env("SWIFT", swift_program("meeting")?);
    shell::run(&mut script)?;
    Ok(Outcome { passed: 1, failed: 0 })
}

/// An app of each language resolves the package from a folder as it would from a repository, and runs the program of
/// its README as it stands there.
pub fn consumer() -> Result<Outcome, String> {
    generate_to_publish()?;
    let layer = package("kotlin").join("target/generated-sources/uniffi/org/kitbag/ffi/kitbag.kt");
    if read(&layer)?.contains("beginScenario") {
        return Err("what is published shows what is for tests alone".to_owned());
    }
    let mut outcome = Outcome::default();
    for said in [kotlin_consumer()?, swift_consumer()?] {
        println!("{said}");
        let has_saved = said.lines().any(|line| line.starts_with("saved ") && line.len() > 32);
        let is_whole = has_saved && said.lines().any(|line| line == "reversals: 1");
        outcome.passed += u64::from(is_whole);
        outcome.failed += u64::from(!is_whole);
    }
    Ok(outcome)
}

/// The first program of a README.
fn program(language: &str) -> Result<String, String> {
    let readme = read(&package(language).join("README.md"))?;
    let program =
        readme.split(&format!("```{language}\n")).nth(1).and_then(|rest| rest.split("```").next());
    program.map(str::to_owned).ok_or_else(|| format!("{language}'s README has no program"))
}

fn kotlin_consumer() -> Result<String, String> {
    let target = package("kotlin").join("target");
    let natives = target.join("natives/linux-x86-64/libkitbag_bindings.so");
    fs::create_dir_all(natives.parent().unwrap_or(&target)).map_err(|error| error.to_string())?;
    let built = shell::target().join("debug/libkitbag_bindings.so");
    shell::run(Command::new("strip").arg("-o").arg(&natives).arg(built))?;
    let published = target.join("repository");
    let _ = fs::remove_dir_all(&published);
    let mut deploy = maven(&package("kotlin"), &["deploy", "-Prelease", "-Dmaven.test.skip=true"]);
    let repository = format!("-DaltDeploymentRepository=published::file://{}", published.display());
    shell::run(deploy.arg(repository))?;
    for beside in ["sources", "javadoc"] {
        let jar = published.join(format!("org/kitbag/kitbag/0.1.0/kitbag-0.1.0-{beside}.jar"));
        fs::metadata(&jar).map_err(|error| format!("{}: {error}", jar.display()))?;
    }
    let app = target.join("consumer");
    write(&app.join("src/main.kt"), &program("kotlin")?)?;
    write(&app.join("pom.xml"), &read(&package("kotlin").join("consumer/pom.xml"))?)?;
    // What an earlier run resolved is not what is published now.
    let purge = ["dependency:purge-local-repository", "-DmanualInclude=org.kitbag:kitbag"];
    shell::run(&mut maven(&app, &purge))?;
    let classes = app.join("classpath.txt");
    let mut compile = maven(&app, &["compile", "dependency:build-classpath"]);
    compile.arg(format!("-Dmdep.outputFile={}", classes.display()));
    shell::run(compile.arg(format!("-Dpublished=file://{}", published.display())))?;
    let path = format!("{}:{}", app.join("target/classes").display(), read(&classes)?.trim());
    let folder = empty(&app.join("run"))?;
    shell::said(Command::new("java").current_dir(folder).args(["-cp", &path, "MainKt"]))
}

/// Swift's documentation, as Xcode shows it; a link that leads nowhere fails.
fn swift_documentation() -> Result<(), String> {
    // What did not change is not compiled, nor its graph written, again.
    let (graphs, shown) =
        (package("swift").join("target/graphs"), empty(&package("swift").join("target/shown"))?);
    let build = ["swift", "build", "--target", "KitbagClient", "--scratch-path", "target/graphed"];
    let mut build = in_swift(&build);
    for flag in ["-emit-symbol-graph", "-emit-symbol-graph-dir"] {
        build.args(["-Xswiftc", flag]);
    }
    build.arg("-Xswiftc").arg(&graphs);
    shell::run(&mut build)?;
    // What is generated is no API.
    let own = "KitbagClient.symbols.json";
    fs::copy(graphs.join(own), shown.join(own)).map_err(|error| format!("{own}: {error}"))?;
    // It lies beside the compiler, which is all that is on the path.
    let docc = "exec \"$(dirname \"$(readlink -f \"$(command -v swift)\")\")/docc\" convert \"$@\"";
    let mut convert = in_swift(&["sh", "-c", docc, "docc"]);
    convert.arg("Sources/KitbagClient/KitbagClient.docc").arg("--additional-symbol-graph-dir");
    convert.arg(&shown).args(["--fallback-display-name", "KitbagClient", "--warnings-as-errors"]);
    convert.args(["--fallback-bundle-identifier", "org.kitbag.client"]);
    shell::run(convert.args(["--output-path", "target/KitbagClient.doccarchive"]))
}

/// The recipes of Swift's README, their types checked against stand-ins of what only Apple's systems have.
fn swift_recipes(app: &Path) -> Result<(), String> {
    let readme = read(&package("swift").join("README.md"))?;
    let recipes: Vec<&str> = readme.split("```swift\n").skip(2).collect();
    let code: Vec<&str> = recipes.iter().filter_map(|rest| rest.split("```").next()).collect();
    let stand_ins = read(&package("swift").join("consumer/StandIns.swift"))?;
    write(&app.join("recipes/StandIns.swift"), &stand_ins)?;
    let imports = "import Foundation\nimport KitbagClient\n\n";
    write(&app.join("recipes/Recipes.swift"), &(imports.to_owned() + &code.join("\n")))
}

fn swift_consumer() -> Result<String, String> {
    swift_documentation()?;
    let app = package("swift").join("target/consumer");
    write(&app.join("src/main.swift"), &program("swift")?)?;
    write(&app.join("Package.swift"), &read(&package("swift").join("consumer/Package.swift"))?)?;
    swift_recipes(&app)?;
    empty(&app.join("run"))?;
    let build = ["swift", "build", "--package-path", "target/consumer"];
    shell::run(in_swift(&build).args(["--scratch-path", "target/consumer-build"]))?;
    let run = "cd target/consumer/run && exec ../../consumer-build/debug/consumer";
    shell::said(&mut in_swift(&["sh", "-c", run]))
}

/// How a class of Kotlin's tests is run as a program.
fn java(class: &str) -> Result<String, String> {
    let target = package("kotlin").join("target");
    let paths = target.join("classpath.txt");
    let goals = ["test-compile", "dependency:build-classpath", "-Dmdep.includeScope=test"];
    let mut compile = maven(&package("kotlin"), &goals);
    shell::run(compile.arg(format!("-Dmdep.outputFile={}", paths.display())))?;
    let path = [target.join("classes"), target.join("test-classes")]
        .map(|path| path.display().to_string());
    let (native, rest) = (shell::target().join("debug"), read(&paths)?);
    Ok(format!(
        "java -Djna.library.path={} -cp {}:{} {class}",
        native.display(),
        path.join(":"),
        rest.trim()
    ))
}

/// How a program of Swift's package is run.
fn swift_program(name: &str) -> Result<String, String> {
    let build =
        ["swift", "build", "--scratch-path", "target/build", "-Xswiftc", "-warnings-as-errors"];
    shell::run(in_swift(&build).args(["--product", name]))?;
    let script = package("swift").join("swift.sh");
    let (toolchain, root) = (swift_toolchain(), shell::root());
    let program = format!("target/build/debug/{name}");
    Ok(format!("{} {} {} {program}", script.display(), toolchain.display(), root.display()))
}

/// What the benches run of both languages, and where; the library that a phone would carry, cross-compiled.
pub fn benches(bench: &mut Command) -> Result<(), String> {
    generate()?;
    bench.env("KITBAG_BENCH_FOLDER", package("swift").join("target/bench"));
    bench.env("KITBAG_KOTLIN_BENCH", java("org.kitbag.BenchKt")?);
    bench.env("KITBAG_SWIFT_BENCH", swift_program("bench")?);
    bench.env("KITBAG_PHONE_LIBRARY", crate::phones::cross_compiled()?);
    Ok(())
}

/// A command in Swift's package.
pub fn in_swift(command: &[&str]) -> Command {
    let mut swift = Command::new(package("swift").join("swift.sh"));
    swift.arg(swift_toolchain()).arg(shell::root()).args(command);
    swift.env("KITBAG_NATIVE", shell::target().join("debug"));
    swift.env("KITBAG_COMMAND", shell::target().join("debug/kitbag"));
    swift
}

pub fn maven(folder: &Path, arguments: &[&str]) -> Command {
    let mut maven = Command::new("mvn");
    maven.current_dir(folder).args(["--quiet", "--batch-mode"]).args(arguments);
    maven
}

/// What a command says on its standard output; it must succeed.
pub fn empty(folder: &Path) -> Result<PathBuf, String> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    Ok(folder.to_owned())
}

pub fn package(language: &str) -> PathBuf {
    shell::root().join("bindings").join(language)
}

pub fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

pub fn write(path: &Path, text: &str) -> Result<(), String> {
    // As it was, it is not compiled anew.
    if fs::read_to_string(path).is_ok_and(|before| before == text) {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_generated_for_kotlin_is_hidden_and_otherwise_as_it_was() {
        let generated = "public object A {\n    fun kept() = 1\n}\ndata class B (\ninternal class C\n\
                         private fun d() {}\n     suspend fun `e`() : Int {\n         */ fun `f`() {\n\
                         sealed class G: kotlin.Exception() {\n    override fun h() {}\nclassic\n";
        let hidden = "internal object A {\n    fun kept() = 1\n}\ninternal data class B (\ninternal class C\n\
                      private fun d() {}\n     internal suspend fun `e`() : Int {\n         */ internal fun `f`() {\n\
                      internal sealed class G: kotlin.Exception() {\n    override fun h() {}\nclassic";
        assert_eq!(hide(generated), hidden);
    }
}
