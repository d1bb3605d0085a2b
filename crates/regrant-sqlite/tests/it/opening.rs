//! Files that cannot be opened: the error has the cause, and the file is not changed.

use std::io::ErrorKind;
use std::sync::Barrier;
use std::time::Duration;
use std::{fs, thread};

use regrant::store::StoreOpener;
use regrant_sqlite::{OpenError, SqliteStore};

use crate::support::{Database, count_up, create, inaccessible, payload, record};

#[tokio::test]
async fn a_new_file_is_created_and_opened_again() {
    let database = Database::new();
    let _ = create(&database.open(), 1, record(b"kept")).await.unwrap();
    assert_eq!(payload(&database.open(), 1).await.as_deref(), Some(&b"kept"[..]));
}

#[tokio::test]
async fn one_new_file_is_opened_by_many_at_once() {
    const MANY: usize = 8;
    let database = Database::new();
    let barrier = Barrier::new(MANY);
    let stores: Vec<_> = thread::scope(|scope| {
        let open = || {
            barrier.wait();
            database.open()
        };
        let threads: Vec<_> = (0..MANY).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let _ = create(&stores[0], 1, record(b"0")).await.unwrap();
    for (store, expected) in stores.iter().zip(1..) {
        assert_eq!(count_up(store, 1).await, expected);
    }
}

#[tokio::test]
async fn a_special_name_of_sqlite_is_an_ordinary_path() {
    let folder = tempfile::tempdir().unwrap();
    for name in [":memory:", "file:grants.db?mode=memory", "grants#?.db"] {
        let path = folder.path().join(name);
        let _ = create(&SqliteStore::open(&path).unwrap(), 1, record(b"kept")).await.unwrap();
        assert!(path.is_file());
    }
    assert!(matches!(SqliteStore::open(""), Err(OpenError::Inaccessible(_))));
}

#[test]
fn a_path_that_cannot_be_created_is_refused_with_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(inaccessible(&folder.path().join("missing/grants.db")), ErrorKind::NotFound);
    assert_eq!(inaccessible(&file.join("grants.db")), ErrorKind::NotADirectory);
    assert_eq!(inaccessible(folder.path()), ErrorKind::IsADirectory);
}

#[tokio::test]
async fn a_file_is_opened_by_its_url_and_an_error_names_its_path() {
    let database = Database::new();
    let _ = create(&database.open(), 1, record(b"kept")).await.unwrap();
    let opener = StoreOpener::new().with::<SqliteStore>();
    let path = database.path.display();
    for url in [format!("sqlite:{path}"), format!("sqlite://{path}"), format!("sqlite://{path}?mode=rwc")] {
        let store = opener.open(&url).await.unwrap();
        assert_eq!(payload(&store, 1).await.as_deref(), Some(&b"kept"[..]), "{url}");
    }
    let error = opener.open(&format!("sqlite://{path}/below.db")).await.err().unwrap();
    assert!(error.to_string().contains(&format!("{path}/below.db")), "{error}");
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(cause.as_deref(), Some("the database file cannot be opened or created"));
}

#[tokio::test]
async fn a_database_in_memory_is_a_new_store_in_memory() {
    let opener = StoreOpener::new().with::<SqliteStore>();
    let store = opener.open("sqlite::memory:").await.unwrap();
    let _ = create(&store, 1, record(b"kept")).await.unwrap();
    assert_eq!(payload(&store, 1).await.as_deref(), Some(&b"kept"[..]));
    assert_eq!(payload(&opener.open("sqlite::memory:").await.unwrap(), 1).await, None);
    assert!(!std::path::Path::new(":memory:").exists());
}

#[test]
fn a_file_that_is_not_a_database_is_refused_and_not_changed() {
    let database = Database::new();
    for content in [b"no database".to_vec(), b"no database".repeat(1000), vec![0; 4096]] {
        fs::write(&database.path, &content).unwrap();
        let error = SqliteStore::open(&database.path).unwrap_err();
        assert!(matches!(error, OpenError::NotADatabase), "{error:?}");
        assert_eq!(fs::read(&database.path).unwrap(), content);
    }
}

#[test]
fn a_database_of_another_application_is_refused_and_not_changed() {
    for sql in ["CREATE TABLE theirs (a)", "PRAGMA application_id = 7", "PRAGMA user_version = 1"] {
        let database = Database::new();
        database.execute(sql);
        let content = fs::read(&database.path).unwrap();
        let error = SqliteStore::open(&database.path).unwrap_err();
        assert!(matches!(error, OpenError::OtherApplication), "{error:?}");
        assert_eq!(fs::read(&database.path).unwrap(), content);
    }
}

#[test]
fn a_newer_schema_is_refused() {
    let database = Database::closed();
    database.execute("PRAGMA user_version = 4");
    let error = SqliteStore::open(&database.path).unwrap_err();
    assert!(matches!(error, OpenError::NewerSchema { found: 4, known: 3 }), "{error:?}");
}

#[test]
fn a_file_that_stays_locked_is_refused_at_the_deadline() {
    let database = Database::new();
    let other = database.connection();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let builder = SqliteStore::builder().deadline(Duration::from_millis(20));
    let error = builder.open(&database.path).unwrap_err();
    assert!(matches!(error, OpenError::Locked), "{error:?}");
    drop(other);
    drop(database.open());
}

#[test]
fn a_damaged_file_is_refused() {
    let database = Database::closed();
    let mut content = fs::read(&database.path).unwrap();
    content[100..4096].fill(0xff);
    fs::write(&database.path, content).unwrap();
    let error = SqliteStore::open(&database.path).unwrap_err();
    assert!(matches!(error, OpenError::Sqlite(_)), "{error:?}");
}
