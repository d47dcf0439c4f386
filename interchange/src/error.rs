//! Why a file could not be read or written.

use std::fmt::Display;
use std::path::Path;

/// Why a file could not be read or written. Never carries a row's contents.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read at all.
    #[error("{path}: cannot be read ({error}); check its name, and that it is yours")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// It has not the form that it should have: nothing was done.
    #[error("{path}: {reason}")]
    Wrong {
        /// The file.
        path: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// It could not be written, or not to its end.
    #[error("{path}: {reason}")]
    Failed {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
}

impl FileError {
    pub(crate) fn unreadable(path: &Path, error: std::io::Error) -> Self {
        FileError::Unreadable { path: path.display().to_string(), error }
    }

    /// That a file has not the form it should have.
    pub fn wrong(path: &Path, reason: impl Display) -> Self {
        FileError::Wrong { path: path.display().to_string(), reason: reason.to_string() }
    }

    /// That a file could not be written.
    pub fn failed(path: &Path, reason: impl Display) -> Self {
        FileError::Failed { path: path.display().to_string(), reason: reason.to_string() }
    }
}
