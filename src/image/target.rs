//! Where a file is saved: replaced whole, or not at all.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A place where a file can be saved so that afterwards either it is there, whole, or what was there before is, whoever
/// is stopped when: it is written under another name in the same directory, brought to the disk, and renamed.
#[derive(Clone, Debug)]
pub struct Target {
    path: PathBuf,
    /// Those of the file that is replaced.
    permissions: Option<Permissions>,
}

impl Target {
    /// The target that a path names. If it is a symbolic link, what it points to is replaced. A file that is replaced
    /// keeps its permissions.
    ///
    /// # Errors
    /// `IsADirectory`; `InvalidInput`, if there is something else that is no regular file; or what the file system says.
    pub fn find(path: &Path) -> io::Result<Self> {
        match fs::canonicalize(path) {
            Ok(real) => {
                let old = fs::metadata(&real)?;
                if old.is_dir() {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                if !old.is_file() {
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
                }
                Ok(Self { path: real, permissions: Some(old.permissions()) })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self { path: path.to_owned(), permissions: None })
            }
            Err(error) => Err(error),
        }
    }

    /// The directory where the file is made, which may lie elsewhere than the path says.
    #[must_use]
    pub fn directory(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }

    /// Checks that a file can be made there, by making one that has no name, or goes away at once.
    ///
    /// # Errors
    /// What the file system says.
    pub fn check(&self) -> io::Result<()> {
        tempfile::tempfile_in(self.directory()).map(drop)
    }

    /// Saves what `write` writes.
    ///
    /// # Errors
    /// As `write`, or if the directory or the disk does not allow it. What was there before is still there then, except
    /// that after an error in bringing the directory itself to the disk the new file may be.
    pub fn save(&self, write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>) -> io::Result<()> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".keyvm-").suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(self.directory())?;
        let mut buffer = BufWriter::with_capacity(1 << 16, file.as_file_mut());
        write(&mut buffer)?;
        buffer.flush()?;
        drop(buffer);
        if let Some(permissions) = &self.permissions {
            file.as_file().set_permissions(permissions.clone())?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        sync_directory(self.directory())
    }
}

/// Makes the rename last.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}
