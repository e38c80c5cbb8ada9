//! The destination of a document, used once everything was checked.

use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::{
    error::{codes, failure},
    home::{DeviceError, local_file},
};

/// Why a document cannot be put where it was to go.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DestinationError {
    /// There is no such folder.
    #[error("{} is not a folder.", .0.display())]
    NotAFolder(PathBuf),
    /// A file with this name exists, and was not to be replaced.
    #[error("{} exists already.", .0.display())]
    FileExists(PathBuf),
    /// The file cannot be written.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { DestinationError {
    NotAFolder => codes::USAGE;
    FileExists => codes::FILE_EXISTS;
    ..Device;
} }

/// How often a name that exists is numbered before giving up.
const NUMBERS_MAX: u32 = 1_000;

/// The destination of a document. Nothing appears there before everything was checked.
#[derive(Clone, Debug)]
pub enum Destination {
    /// This path; refuses one that exists unless `replace`.
    File {
        /// The path.
        path: PathBuf,
        /// Whether a file that exists is replaced.
        replace: bool,
    },
    /// A folder, under the document's own name (only its last part, never hidden, numbered if it exists).
    Folder(PathBuf),
}

impl Destination {
    /// Refuses early what would be refused at the end.
    pub(super) fn check(&self) -> Result<(), DestinationError> {
        match self {
            Self::File { path, replace: false } if path.exists() => Err(exists(path)),
            _ => self.folder().map(drop),
        }
    }

    /// The folder in which the document is written first.
    pub(super) fn folder(&self) -> Result<&Path, DestinationError> {
        let folder = match self {
            Self::File { path, .. } => match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            },
            Self::Folder(folder) => folder,
        };
        if folder.is_dir() { Ok(folder) } else { Err(DestinationError::NotAFolder(folder.to_owned())) }
    }

    /// Moves a written document to its place. It is not synced to the disk, like any other copy of something that can be
    /// fetched again.
    pub(crate) fn put(&self, file: NamedTempFile, file_name: &str) -> Result<PathBuf, DestinationError> {
        let path = match self {
            Self::File { path, replace: true } => {
                file.persist(path).map_err(|error| local_file(path, error.error))?;
                path.clone()
            }
            Self::File { path, replace: false } => match file.persist_noclobber(path) {
                Ok(_) => path.clone(),
                Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => return Err(exists(path)),
                Err(error) => return Err(local_file(path, error.error).into()),
            },
            Self::Folder(folder) => put_numbered(folder, file, &safe_name(file_name))?,
        };
        Ok(path)
    }
}

impl Destination {
    /// The same, in place of an earlier copy of the same document in the same folder.
    pub(crate) fn put_again(&self, file: NamedTempFile, file_name: &str) -> Result<PathBuf, DestinationError> {
        let path = self.folder()?.join(safe_name(file_name));
        Self::File { path, replace: true }.put(file, file_name)
    }
}

fn put_numbered(folder: &Path, mut file: NamedTempFile, name: &str) -> Result<PathBuf, DestinationError> {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    for number in 0..NUMBERS_MAX {
        let name = if number == 0 { name.to_owned() } else { format!("{stem} ({number}){extension}") };
        let path = folder.join(name);
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => file = error.file,
            Err(error) => return Err(local_file(&path, error.error).into()),
        }
    }
    Err(exists(&folder.join(name)))
}

/// A name that stays inside its folder on every system and is not hidden; it was chosen by somebody else.
fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let safe: String = last
        .chars()
        .map(|c| if c.is_control() || matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|') { '_' } else { c })
        .collect();
    let safe = safe.trim_start_matches('.').trim_end_matches(['.', ' ']).trim();
    // Device names of one common system.
    let stem = safe.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let is_device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || ((stem.starts_with("COM") || stem.starts_with("LPT")) && stem.len() == 4);
    match safe {
        "" => "document".to_owned(),
        name if is_device => format!("_{name}"),
        name => name.to_owned(),
    }
}

fn exists(path: &Path) -> DestinationError {
    DestinationError::FileExists(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;

    #[test]
    fn a_name_from_elsewhere_stays_in_its_folder() {
        for (given, safe) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("..\\x", "x"),
            (".bashrc", "bashrc"),
            ("..", "document"),
            ("a\nb", "a_b"),
            ("nul.txt", "_nul.txt"),
            ("befund: März.pdf", "befund_ März.pdf"),
        ] {
            assert_eq!(safe_name(given), safe);
        }
    }

    #[test]
    fn nothing_is_overwritten_unasked() {
        let dir = tempfile::tempdir().unwrap();
        let file = || tempfile::NamedTempFile::new_in(dir.path()).unwrap();
        let folder = Destination::Folder(dir.path().to_owned());
        assert_eq!(folder.put(file(), "a.txt").unwrap(), dir.path().join("a.txt"));
        assert_eq!(folder.put(file(), "a.txt").unwrap(), dir.path().join("a (1).txt"));
        let path = dir.path().join("a.txt");
        let refused = Destination::File { path: path.clone(), replace: false };
        assert_eq!(refused.check().unwrap_err().code(), "file_exists");
        assert_eq!(refused.put(file(), "x").unwrap_err().code(), "file_exists");
        Destination::File { path, replace: true }.put(file(), "x").unwrap();
    }
}
