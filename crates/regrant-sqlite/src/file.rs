//! Creation of the database file before SQLite opens it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Creates a new file that only its owner can read, because it holds user names. SQLite alone would apply the umask,
/// usually 0644. SQLite gives the companions the mode of the file.
///
/// Leaves an existing file as it is. Other errors are left to SQLite, which meets them again.
pub(crate) fn create_private(path: &Path) {
    // On Unix, closing a file drops all locks that this process holds on it. So no other store may open the new file
    // before it is closed here.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    drop(create(path));
}

/// Creates the file; fails if it exists.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
