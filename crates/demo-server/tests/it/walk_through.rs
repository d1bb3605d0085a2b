//! Runs the commands of `docs/walk-through.md`.

use std::process::Command;

use serde_json::Value;

use crate::helper::Server;

const WALK_THROUGH: &str = include_str!("../../../../docs/walk-through.md");
const ADDRESS: &str = "AS=http://127.0.0.1:8080\n";

#[test]
fn the_walk_through_works_as_documented() {
    walk_through(&Server::start(&[]));
}

#[test]
fn the_walk_through_works_with_actix_web() {
    walk_through(&Server::start(&["--http", "actix-web"]));
}

fn walk_through(server: &Server) {
    let blocks = blocks();
    assert!(blocks.iter().any(|block| block.contains(ADDRESS)));
    let script = blocks.concat().replace(ADDRESS, &format!("AS={}\n", server.url));

    let output = Command::new("bash").args(["-euo", "pipefail", "-c", &script]).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));

    let answers: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let [first, second, again, wider, narrowed, active, revoked, inactive, refused] = answers.as_slice() else {
        panic!("{shown}");
    };
    for answer in [first, second, again] {
        assert_eq!(answer["scope"], "openid");
        let id_token = answer["id_token"].as_str().expect("an id_token in each answer of AM's page");
        assert_eq!(id_token.split('.').count(), 3, "{id_token}");
    }
    for token in ["access_token", "refresh_token"] {
        assert_ne!(first[token], second[token]);
        assert_eq!(second[token], again[token]);
        assert_ne!(wider[token], narrowed[token]);
    }
    assert_eq!(wider["scope"], "openid read write");
    assert_eq!(narrowed["scope"], "read");
    assert_eq!(active["active"], true);
    assert_eq!(active["scope"], "read");
    assert_eq!(active["sub"], "demo");
    assert_eq!(*revoked, Value::Object(serde_json::Map::new()));
    assert_eq!(inactive.to_string(), r#"{"active":false}"#);
    assert_eq!(refused["error"], "invalid_grant");
}

/// The shell blocks of the document, except those that start the server.
fn blocks() -> Vec<&'static str> {
    let blocks = WALK_THROUGH.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap_or_default());
    blocks.filter(|block| !block.contains("cargo run")).collect()
}
