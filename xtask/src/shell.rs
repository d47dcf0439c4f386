//! Running commands in the workspace's root.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The workspace's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The workspace's target directory.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A cargo command, by the cargo that runs us.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// A program of the workspace, built. Always with the features of the whole workspace, so that nothing it stands on is
/// compiled once more for another choice of them.
pub fn built(name: &str, features: &[&str]) -> Result<Command, String> {
    let mut build = cargo(&["build", "--quiet", "--workspace", "--bin", name]);
    if !features.is_empty() {
        build.arg("--features").arg(features.join(","));
    }
    run(&mut build)?;
    Ok(Command::new(target().join("debug").join(name)))
}

/// Checks the formatting of a folder's files, by the edition of the workspace.
pub fn rustfmt_check(folder: &str) -> Result<Command, String> {
    let listed =
        std::fs::read_dir(root().join(folder)).map_err(|error| format!("{folder}: {error}"))?;
    let mut command = Command::new("rustfmt");
    command.args(["--edition", "2024", "--check"]).current_dir(root());
    command.args(listed.filter_map(|file| Some(file.ok()?.path())));
    Ok(command)
}

/// Runs a command to its end; its output goes where ours goes.
pub fn run(command: &mut Command) -> Result<(), String> {
    let shown = shown(command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{shown} ended with {status}")),
        Err(error) => Err(format!("{shown} did not start: {error}")),
    }
}

/// Runs a command to its end, and returns what it says.
pub fn said(command: &mut Command) -> Result<String, String> {
    let shown = shown(command);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("{shown} did not start: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{shown} ended with {}", output.status)),
    }
}

/// Runs a command to its end, passes each line of its output on, and hands it to `each`. Returns
/// whether it succeeded.
pub fn watch(command: &mut Command, mut each: impl FnMut(&str)) -> Result<bool, String> {
    let shown = shown(command);
    let failed = |error: std::io::Error| format!("{shown} did not run: {error}");
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(failed)?;
            println!("{line}");
            each(&line);
        }
    }
    Ok(child.wait().map_err(failed)?.success())
}

fn shown(command: &Command) -> String {
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    [program.to_string_lossy().into_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}
