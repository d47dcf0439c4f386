//! Files that hold what must not leave this machine's user: made anew, readable by the owner alone, never
//! through a link.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where a file or folder is written before it gets its name, so that what is there is whole: a name that
/// nobody else has.
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".part-{}", std::process::id()));
    name.into()
}

/// Makes a file that is not there yet.
pub fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    // Fails where anything has the name, a link too.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes a file whole: beside, under a name that nobody has, then in its place.
pub fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = beside(path);
    let mut file = create(&beside)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.and_then(|()| std::fs::rename(&beside, path)).inspect_err(|_| {
        _ = std::fs::remove_file(&beside);
    })
}

/// Makes a folder that is not there yet.
pub fn create_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_the_owners_alone_and_never_written_through_a_link() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let (wanted, target) = (folder.path().join("wanted"), folder.path().join("target"));
        std::fs::write(&target, "theirs").expect("it can be written");
        std::os::unix::fs::symlink(&target, &wanted).expect("a link");
        assert!(create(&wanted).is_err());
        write(&wanted, b"ours").expect("it takes the link's place");
        assert_eq!(std::fs::read(&target).expect("it is there"), b"theirs");
        let mode = |path: &Path| {
            std::fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o777
        };
        assert_eq!(mode(&wanted), 0o600);
        create_folder(&folder.path().join("made")).expect("it can be made");
        assert_eq!(mode(&folder.path().join("made")), 0o700);
    }
}
