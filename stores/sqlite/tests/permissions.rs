//! What a user may not read or write is refused with the cause. Permissions mean nothing to root, so a child looks.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails the test")]

mod common;

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;

use common::{Database, child, file_of_parent, inaccessible};
use regrant_sqlite::{OpenError, SqliteStore};

const NOBODY: u32 = 65534;

#[test]
fn a_user_without_permission_is_told_the_cause() {
    let database = Database::closed();
    let folder = database.folder.path();
    set_mode(folder, 0o777);
    set_mode(&database.path, 0o444);
    fs::write(folder.join("unreadable.db"), "").unwrap();
    set_mode(&folder.join("unreadable.db"), 0o000);
    fs::create_dir(folder.join("closed")).unwrap();
    set_mode(&folder.join("closed"), 0o555);
    // The folder of this binary may be closed to others.
    let binary = folder.join("child");
    fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    set_mode(&binary, 0o555);

    let mut child = child(&binary, "a_child_has_no_permission", &database.path);
    if fs::metadata(&binary).unwrap().uid() == 0 {
        child.uid(NOBODY);
    }
    let output = child.current_dir("/").output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("1 passed"), "{report}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "the child of the test above"]
fn a_child_has_no_permission() {
    let file = file_of_parent();
    let folder = file.parent().unwrap();
    let error = SqliteStore::open(&file).unwrap_err();
    assert!(matches!(error, OpenError::ReadOnly), "{error:?}");
    assert_eq!(inaccessible(&folder.join("unreadable.db")), ErrorKind::PermissionDenied);
    assert_eq!(inaccessible(&folder.join("closed/grants.db")), ErrorKind::PermissionDenied);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}
