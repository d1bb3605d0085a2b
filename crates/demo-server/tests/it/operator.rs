//! The commands of an operator, beside a running server on one SQLite file.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::helper::{Answer, MY_CLIENT, Server, config_file, operate};

pub(crate) const RING_KEY: &str = "3VTm5yOAsNeXosYX81EqrTjZznvuvuH4W1gGOd1008Y";

/// A server and its store. The server has a clock of its own, and the commands have that of the machine.
pub(crate) struct Deployment {
    pub(crate) server: Server,
    config: String,
    store: String,
    folder: TempDir,
}

impl Deployment {
    pub(crate) fn start() -> Self {
        Self::with(RING_KEY, "")
    }

    /// With a key of the ring, and with a policy of the client.
    pub(crate) fn with(key: &str, policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config_file(&config(key, policy)).to_str().unwrap().to_owned();
        let store = format!("sqlite:{}", folder.path().join("grants.db").display());
        let server = Server::start(&["--manual-clock", "--config", &config, "--store", &store]);
        Self { server, config, store, folder }
    }

    /// Replaces the keys of the ring for the commands, the current one first.
    pub(crate) fn set_keys(&mut self, keys: &[&str]) {
        let file = config_file(&config(&keys.join("\", \""), ""));
        self.config = file.into_os_string().into_string().unwrap();
    }

    pub(crate) fn operate(&self, arguments: &[&str], input: &str) -> Output {
        operate(&[arguments, &["--config", &self.config, "--store", &self.store]].concat(), input)
    }

    pub(crate) fn database(&self) -> Connection {
        Connection::open(self.folder.path().join("grants.db")).unwrap()
    }

    /// Everything that the store knows of its grants.
    pub(crate) fn records(&self) -> Vec<(Vec<u8>, i64, Vec<u8>)> {
        let database = self.database();
        let mut query = database.prepare("SELECT id, version, payload FROM regrant_grants ORDER BY id").unwrap();
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// Adds `count` records that cannot be read. They end at `purge_at`, in milliseconds since 1970, or never.
    fn damage(&self, count: u32, purge_at: Option<i64>) {
        let insert = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
                      INSERT INTO regrant_grants (id, realm, version, client_id, subject, expires_at, purge_at, payload) \
                      SELECT randomblob(16), '', 1, 'myClient', 'demo', ?2, ?2, x'2a' FROM n";
        self.database().execute(insert, (count, purge_at)).unwrap();
    }

    fn is_active(&self, tokens: &Answer) -> bool {
        self.server.introspect(&tokens.text("access_token"))["active"] == true
    }

    /// The ids of all grants, sorted as text.
    fn grant_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.records().iter().map(|(id, ..)| URL_SAFE_NO_PAD.encode(id)).collect();
        ids.sort();
        ids
    }
}

fn config(key: &str, policy: &str) -> String {
    let pem = concat!(env!("CARGO_MANIFEST_DIR"), "/../regrant-jose/tests/it/keys/p256.pem");
    let pem = std::fs::read_to_string(pem).unwrap();
    format!(
        "issuer = \"https://as.example\"\nkeys = [\"{key}\"]\n\
         [jwt]\nkeys = ['''{pem}''']\n\
         [provider]\nrefresh_token_lifetime = \"never\"\n\
         [[clients]]\nclient_id = \"myClient\"\nclient_secret = \"forgerock\"\n\
         redirect_uris = [\"https://www.example.com:443/callback\"]\nscope = \"read write\"\n\
         [clients.policy]\n{policy}\n\
         [[users]]\nusername = \"demo\"\npassword = \"changeit\"\n"
    )
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn grants_are_listed_by_subject_and_by_client() {
    let deployment = Deployment::start();
    for _ in 0..3 {
        deployment.server.first_tokens();
    }
    let ids = deployment.grant_ids();
    for owner in [["--subject", "demo"], ["--client", "myClient"]] {
        let output = deployment.operate(&[&["grants"][..], &owner].concat(), "");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let lines: Vec<Vec<&str>> = text(&output.stdout).lines().map(|line| line.split('\t').collect()).collect();
        assert_eq!(lines[0][..3], ["grant", "client", "subject"]);
        let mut listed: Vec<&str> = lines[1..].iter().map(|line| line[0]).collect();
        listed.sort_unstable();
        assert_eq!(listed, ids);
        assert!(lines[1..].iter().all(|line| line[1..4] == ["myClient", "demo", "authorization_code"]), "{lines:?}");
        assert!(text(&output.stderr).contains("3 grants"));

        let output = deployment.operate(&[&["grants", "--json"][..], &owner].concat(), "");
        let lines = text(&output.stdout).lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut listed: Vec<String> = lines.map(|grant| grant["grant_id"].as_str().unwrap().to_owned()).collect();
        listed.sort();
        assert_eq!(listed, ids);
    }
    let output = deployment.operate(&["grants", "--json", "--subject", "nobody"], "");
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b""[..]));
}

#[test]
fn a_list_goes_on_behind_pages_without_a_live_grant() {
    let deployment = Deployment::start();
    deployment.server.first_tokens();
    deployment.damage(2_500, None);
    let output = deployment.operate(&["grants", "--json", "--client", "myClient"], "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert!(text(&output.stderr).contains("record_corrupt"), "the log has what the list leaves out");
}

#[test]
fn nothing_is_revoked_without_an_answer_or_without_one_target() {
    let deployment = Deployment::start();
    let tokens = deployment.server.first_tokens();
    let before = deployment.records();
    let refused = |arguments: &[&str], status: i32, word: &str| {
        let output = deployment.operate(&[&["revoke"][..], arguments].concat(), "y\n");
        assert_eq!((output.status.code(), &*output.stdout), (Some(status), &b""[..]), "{output:?}");
        assert!(text(&output.stderr).contains(word), "{output:?}");
    };
    refused(&["--subject", "demo"], 1, "--yes");
    refused(&["--yes"], 2, "--subject");
    refused(&["--yes", "--subject", "demo", "--client", "myClient"], 2, "--client");
    refused(&["--yes", "--grant", "demo"], 2, "22 base64url characters");
    assert_eq!(deployment.records(), before);
    assert!(deployment.is_active(&tokens));
}

#[test]
fn a_revocation_ends_the_grants_that_are_meant_and_counts_them() {
    let deployment = Deployment::start();
    let mut tokens = vec![deployment.server.first_tokens()];
    let id = deployment.grant_ids().remove(0);
    tokens.extend((0..3).map(|_| deployment.server.first_tokens()));
    let revoke = |target: &str, value: &str| {
        let output = deployment.operate(&["revoke", target, value, "--yes"], "");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (counted, log) = revoke("--grant", &id);
    assert_eq!(counted, "1 grant revoked\n");
    assert!(
        log.contains("grant_revoked") && log.contains(&id),
        "the log is the list for the day after a restore: {log}"
    );
    assert!(!deployment.is_active(&tokens[0]) && deployment.is_active(&tokens[1]));
    assert_eq!(revoke("--grant", &id).0, "0 grants revoked\n");
    // One id of 64 begins like an option.
    assert_eq!(revoke("--grant", "-AAAAAAAAAAAAAAAAAAAAA").0, "0 grants revoked\n");
    assert_eq!(revoke("--subject", "nobody").0, "0 grants revoked\n");
    assert_eq!(revoke("--subject", "demo").0, "3 grants revoked\n");
    assert!(tokens.iter().all(|tokens| !deployment.is_active(tokens)));

    let again = deployment.server.first_tokens();
    assert_eq!(revoke("--client", "myClient").0, "1 grant revoked\n");
    assert!(!deployment.is_active(&again));
}

#[test]
fn a_code_that_waits_is_revoked_too() {
    let deployment = Deployment::start();
    let server = &deployment.server;
    let code = server.authorize(&server.sign_in(), &[]).redirected("code");
    let output = deployment.operate(&["revoke", "--subject", "demo", "--yes"], "");
    assert_eq!(text(&output.stdout), "1 grant revoked\n");
    let redirect_uri = ("redirect_uri", crate::helper::CALLBACK);
    let redemption = [("grant_type", "authorization_code"), ("code", &*code), redirect_uri];
    assert_eq!(server.token(&MY_CLIENT, &redemption).refusal(), (400, "invalid_grant".to_owned()));
}

#[test]
fn a_revocation_that_fails_in_part_says_so_and_ends_the_others() {
    let deployment = Deployment::start();
    let tokens: Vec<Answer> = (0..3).map(|_| deployment.server.first_tokens()).collect();
    deployment.damage(1, None);
    let output = deployment.operate(&["revoke", "--subject", "demo", "--yes"], "");
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]), "{output:?}");
    let error = text(&output.stderr).lines().last().unwrap();
    assert!(error.contains("3 grants revoked; run the command again"), "{error}");
    assert!(error.contains("the store failed: "), "the chain of causes: {error}");
    assert!(tokens.iter().all(|tokens| !deployment.is_active(tokens)));
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_is_asked_and_the_default_is_no() {
    let deployment = Deployment::start();
    let tokens: Vec<Answer> = (0..2).map(|_| deployment.server.first_tokens()).collect();
    let answer = |answer: &str| {
        let Deployment { config, store, .. } = &deployment;
        let program = env!("CARGO_BIN_EXE_demo-server");
        let command = format!("{program} revoke --subject demo --config {config} --store {store}");
        on_a_terminal(&command, answer)
    };
    for no in ["\n", "n\n", "maybe\n"] {
        let (status, shown) = answer(no);
        assert_eq!(status, Some(4), "{shown}");
        assert!(shown.contains("Revoke all grants of subject demo (2 live)? [y/N]"), "{shown}");
        assert!(shown.contains("nothing was revoked"), "{shown}");
    }
    assert!(tokens.iter().all(|tokens| deployment.is_active(tokens)));
    let (status, shown) = answer("y\n");
    assert_eq!(status, Some(0), "{shown}");
    assert!(shown.contains("2 grants revoked"), "{shown}");
    assert!(!shown.contains("INFO"), "a terminal has no log of each event: {shown}");
    assert!(tokens.iter().all(|tokens| !deployment.is_active(tokens)));
}

/// Runs a shell command on a terminal of its own, with `script` of util-linux. Returns its status and everything that
/// the terminal showed.
#[cfg(target_os = "linux")]
fn on_a_terminal(command: &str, input: &str) -> (Option<i32>, String) {
    use std::io::Write as _;

    let mut script = Command::new("script");
    let script = script.args(["--quiet", "--return", "--command", command, "/dev/null"]);
    let mut process = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_has_a_bar_that_leaves_no_trace() {
    let deployment = Deployment::start();
    deployment.damage(25_000, Some(1));
    let Deployment { config, store, .. } = &deployment;
    let program = env!("CARGO_BIN_EXE_demo-server");
    let (status, shown) = on_a_terminal(&format!("{program} purge --config {config} --store {store}"), "");
    assert_eq!(status, Some(0), "{shown}");
    assert!(shown.contains("\r\u{1b}[K"), "{shown:?}");
    assert!(shown.ends_with("\r\u{1b}[K25000 records deleted\r\n"), "{shown:?}");
}

#[test]
fn a_purge_deletes_what_has_ended_and_nothing_else() {
    let deployment = Deployment::start();
    let tokens = deployment.server.first_tokens();
    deployment.damage(25_000, Some(1));
    let output = deployment.operate(&["purge"], "");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "25000 records deleted\n"), "{output:?}");
    let log = text(&output.stderr);
    assert!(log.contains("INFO") && log.contains(" records deleted"), "lines in a log: {log}");
    assert!(!log.contains('\r'), "and no bar: {log}");
    assert_eq!(deployment.records().len(), 1);
    assert!(deployment.is_active(&tokens));
    assert_eq!(text(&deployment.operate(&["purge"], "").stdout), "0 records deleted\n");
}

#[test]
fn a_purge_that_was_killed_is_continued_by_the_next_one() {
    let deployment = Deployment::start();
    let tokens = deployment.server.first_tokens();
    deployment.damage(12_000, Some(1));
    let Deployment { config, store, .. } = &deployment;
    let mut purge = Command::new(env!("CARGO_BIN_EXE_demo-server"))
        .args(["purge", "--config", config, "--store", store])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(purge.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains(" records deleted")), "the log has the progress");
    purge.kill().unwrap();
    purge.wait().unwrap();
    let left = deployment.records().len() - 1;
    assert!(left <= 2_000, "{left}");
    let output = deployment.operate(&["purge"], "");
    assert_eq!(text(&output.stdout), format!("{left} records deleted\n"), "{output:?}");
    assert!(deployment.is_active(&tokens));
}

#[test]
fn a_failure_of_the_store_has_its_causes_and_a_status() {
    let deployment = Deployment::start();
    let token = deployment.server.first_tokens().text("refresh_token");
    deployment.database().execute("DROP TABLE regrant_grants", []).unwrap();
    let commands: [&[&str]; 4] =
        [&["inspect"], &["grants", "--subject", "demo"], &["revoke", "--subject", "demo", "--yes"], &["purge"]];
    for command in commands {
        let output = deployment.operate(command, if command == ["inspect"] { &token } else { "" });
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let error = text(&output.stderr).lines().last().unwrap();
        assert!(error.contains("no such table: regrant_grants"), "{command:?}: {error}");
        assert!(!error.contains(&token));
    }
}

#[test]
fn a_store_that_does_not_exist_is_an_error_and_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let config = config_file(&config(RING_KEY, ""));
    let config = config.to_str().unwrap();
    let file = folder.path().join("typo.db");
    let store = format!("sqlite:{}", file.display());
    for (store, word) in [(&*store, "there is no file"), ("memory", "in memory"), ("sqlite::memory:", "in memory")] {
        let output = operate(&["purge", "--config", config, "--store", store], "");
        assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]), "{output:?}");
        assert!(text(&output.stderr).contains(word), "{output:?}");
    }
    assert!(!file.exists());
    let output = operate(&["purge", "--config", config], "");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let deployment = Deployment::start();
    deployment.server.first_tokens();
    let Deployment { config, store, .. } = &deployment;
    let program = env!("CARGO_BIN_EXE_demo-server");
    // The reader is gone before the first line.
    let pipe =
        format!("{program} grants --subject demo --config {config} --store {store} | true; echo ${{PIPESTATUS[0]}}");
    let output = Command::new("bash").args(["-c", &pipe]).output().unwrap();
    assert_eq!(text(&output.stdout), "0\n", "{output:?}");
    assert!(!text(&output.stderr).contains("demo-server: "), "{output:?}");
}

#[test]
fn no_command_shows_a_secret() {
    let deployment = Deployment::start();
    let tokens = deployment.server.first_tokens();
    let (refresh_token, access_token) = (tokens.text("refresh_token"), tokens.text("access_token"));
    let outputs = [
        deployment.operate(&["inspect"], &refresh_token),
        deployment.operate(&["inspect", "--json", &access_token], ""),
        deployment.operate(&["grants", "--subject", "demo", "--json"], ""),
        deployment.operate(&["revoke", "--subject", "demo", "--yes"], ""),
        deployment.operate(&["purge"], ""),
        deployment.operate(&["check"], ""),
    ];
    for output in outputs {
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        for shown in [text(&output.stdout), text(&output.stderr)] {
            for secret in [&*refresh_token, &access_token, RING_KEY, "forgerock", "changeit", "PRIVATE KEY"] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }
}
