//! The file, before SQLite opens it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Makes a new file that nobody but its owner reads: it holds names of users. SQLite, left to itself, takes the umask's
/// word, which is 0644 as a rule; the mode of its companions is that of the file.
///
/// One that exists is left alone. What else is in the way SQLite will find, too.
pub(crate) fn create_private(path: &Path) {
    // On Unix, closing a file takes away all locks that this process holds on it. So no other store may find the new
    // file before it is closed here.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    drop(create(path));
}

/// Creates a file where there is none.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
