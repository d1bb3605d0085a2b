//! Files that the user may not read or write are refused with the cause. Root has every permission, so a child process
//! of another user opens them.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use regrant_sqlite::{OpenError, SqliteStore};

use crate::support::{Database, child, create, file_of_parent, inaccessible, record};

/// User id of `nobody`.
const NOBODY: u32 = 65534;

#[test]
fn a_missing_permission_is_reported_with_the_cause() {
    let database = Database::closed();
    let folder = database.folder.path();
    set_mode(folder, 0o777);
    set_mode(&database.path, 0o444);
    fs::write(folder.join("unreadable.db"), "").unwrap();
    set_mode(&folder.join("unreadable.db"), 0o000);
    fs::create_dir(folder.join("closed")).unwrap();
    set_mode(&folder.join("closed"), 0o555);
    // The folder of this binary may be closed to other users. `cp` copies it: a descriptor that this process has open
    // for writing could pass to the child of another test, and then the copy could not be run.
    let binary = folder.join("child");
    let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&binary).status().unwrap();
    assert!(copied.success());
    set_mode(&binary, 0o555);

    let mut child = child(&binary, "permissions::a_child_has_no_permission", &database.path);
    if fs::metadata(&binary).unwrap().uid() == 0 {
        child.uid(NOBODY);
    }
    let output = child.current_dir("/").output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("1 passed"), "{report}{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_new_file_is_private_to_its_owner_and_an_existing_one_keeps_its_mode() {
    let database = Database::new();
    let store = database.open();
    let _ = create(&store, 1, record(b"demo")).await.unwrap();
    let mode = |name: &str| mode_of(&database.folder.path().join(name));
    assert_eq!(["grants.db", "grants.db-wal", "grants.db-shm"].map(mode), [0o600; 3]);
    drop(store);

    let shared = Database::new();
    fs::write(&shared.path, "").unwrap();
    set_mode(&shared.path, 0o660);
    let _ = create(&shared.open(), 1, record(b"demo")).await.unwrap();
    assert_eq!(mode_of(&shared.path), 0o660);
}

/// A umask applies to the whole process, so a child process has the widest.
#[test]
fn a_umask_makes_no_file_readable_to_others() {
    let database = Database::new();
    let child =
        child(&std::env::current_exe().unwrap(), "permissions::a_child_opens_files_of_each_mode", &database.path);
    let output = Command::new("sh")
        .args(["-c", "umask 000; exec \"$@\"", "sh"])
        .arg(child.get_program())
        .args(child.get_args())
        .envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("1 passed"), "{report}{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
#[ignore = "run as a child process by the test above"]
async fn a_child_opens_files_of_each_mode() {
    let new = file_of_parent();
    let folder = new.parent().unwrap();
    fs::write(folder.join("probe"), "").unwrap();
    assert_eq!(mode_of(&folder.join("probe")), 0o666, "the umask is not in force");
    assert_eq!(modes_while_open(&new).await, [0o600; 3]);
    // The owner of an existing file has chosen who may read it. No companion is wider than the file.
    for mode in [0o600, 0o640, 0o660, 0o666] {
        let existing = folder.join(format!("{mode:o}.db"));
        fs::write(&existing, "").unwrap();
        set_mode(&existing, mode);
        assert_eq!(modes_while_open(&existing).await, [mode; 3]);
    }
}

/// Modes of the file and its companions, after a write.
async fn modes_while_open(path: &Path) -> [u32; 3] {
    let store = SqliteStore::open(path).unwrap();
    let _ = create(&store, 1, record(b"demo")).await.unwrap();
    ["", "-wal", "-shm"].map(|companion| mode_of(Path::new(&format!("{}{companion}", path.display()))))
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
#[ignore = "run as a child process by the first test"]
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
