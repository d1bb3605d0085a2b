//! Two servers with the same store and key ring act as one authorization server, with each store. A restarted server
//! continues with the data of the last one.

use rusqlite::Connection;
use testbed::{MariaDb, Postgres, Redis, RedisCluster};

use crate::helper::{CALLBACK, MY_CLIENT, Server, config_file};

const CONFIG: &str = r#"
issuer = "https://as.example"
keys = ["3VTm5yOAsNeXosYX81EqrTjZznvuvuH4W1gGOd1008Y"]

[[clients]]
client_id = "myClient"
client_secret = "forgerock"
token_endpoint_auth_method = "client_secret_post"
redirect_uris = ["https://www.example.com:443/callback"]
scope = "read write"

[[users]]
username = "demo"
password = "changeit"
"#;

#[test]
fn on_a_sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    are_one_server(&format!("sqlite:{}", folder.path().join("grants.db").display()));
}

#[test]
fn on_postgresql() {
    are_one_server(&Postgres::start().url());
}

#[test]
fn on_mariadb() {
    are_one_server(&MariaDb::start().url());
}

#[test]
fn on_redis() {
    are_one_server(&Redis::start().url());
}

#[test]
fn on_a_redis_cluster() {
    let cluster = RedisCluster::start();
    let nodes: Vec<String> = cluster.nodes().iter().map(ToString::to_string).collect();
    are_one_server(&format!("redis-cluster://{}", nodes.join(",")));
}

#[test]
fn a_damaged_record_is_not_an_outage_and_is_left_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("grants.db");
    let server = start(&format!("sqlite:{}", file.display()));
    let tokens = server.first_tokens();
    let database = Connection::open(&file).unwrap();
    assert_eq!(database.execute("UPDATE regrant_grants SET payload = x'2a'", []).unwrap(), 1);

    assert_eq!(server.refresh(&tokens.text("refresh_token")).refusal(), (500, "server_error".to_owned()));
    let access_token = tokens.text("access_token");
    let introspection = [&MY_CLIENT[..], &[("token", &access_token)]].concat();
    assert_eq!(server.form("/oauth2/introspect", &introspection).status, 500);
    assert!(server.log().contains("record_corrupt"), "{}", server.log());
    let payload = database.query_row("SELECT payload FROM regrant_grants", [], |row| row.get::<_, Vec<u8>>(0));
    assert_eq!(payload.unwrap(), [0x2a]);
}

#[test]
fn the_log_has_the_failed_port_and_its_cause_and_the_answer_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("grants.db");
    let server = start(&format!("sqlite:{}", file.display()));
    let tokens = server.first_tokens();
    let refresh_token = tokens.text("refresh_token");
    Connection::open(&file).unwrap().execute("DROP TABLE regrant_grants", []).unwrap();

    let answer = server.refresh(&refresh_token);
    assert_eq!(answer.refusal(), (500, "server_error".to_owned()));
    assert_eq!(answer.header("retry-after"), "");
    assert!(!answer.body.contains("table"), "{answer:?}");
    let log = server.log();
    let line = log.lines().find(|line| line.contains("rejected")).unwrap_or_else(|| panic!("{log}"));
    for said in ["ERROR", "refresh", "store", "no such table: regrant_grants", "grant_id", "myClient"] {
        assert!(line.contains(said), "no {said} in {line}");
    }
    assert!(!log.contains(&refresh_token[3..20]), "{log}");
}

fn start(store: &str) -> Server {
    let config = config_file(CONFIG);
    Server::start(&["--config", config.to_str().unwrap(), "--store", store])
}

fn are_one_server(store: &str) {
    let (one, two) = (start(store), start(store));

    // Authorized at one server, redeemed at the other.
    let code = one.authorize(&one.sign_in(), &[]).redirected("code");
    let redemption = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", CALLBACK)];
    let first = two.token(&MY_CLIENT, &redemption);
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(one.introspect(&first.text("access_token"))["active"], true);

    // The answer of one server is lost, and the other repeats it.
    let lost = one.refresh(&first.text("refresh_token"));
    let again = two.refresh(&first.text("refresh_token"));
    assert_eq!(lost.status, 200, "{lost:?}");
    assert_eq!(again.text("refresh_token"), lost.text("refresh_token"));
    assert_eq!(again.text("access_token"), lost.text("access_token"));

    // One session outlives both servers. Another is revoked at one server and refused by the other.
    let lasting = two.first_tokens();
    let revoked = lost.text("refresh_token");
    let revocation = [&MY_CLIENT[..], &[("token", &revoked)]].concat();
    assert_eq!(two.form("/oauth2/token/revoke", &revocation).status, 200);
    assert_eq!(one.introspect(&lost.text("access_token"))["active"], false);
    assert_eq!(one.refresh(&revoked).refusal(), (400, "invalid_grant".to_owned()));

    drop((one, two));
    let anew = start(store);
    assert_eq!(anew.introspect(&lost.text("access_token"))["active"], false);
    assert_eq!(anew.introspect(&lasting.text("access_token"))["active"], true);
    assert_eq!(anew.refresh(&lasting.text("refresh_token")).status, 200);
}
