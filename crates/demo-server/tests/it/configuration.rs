//! A server with an invalid configuration does not start, and reports the reason without any secret.

use crate::helper::{config_file, operate, run};

/// A placeholder for each secret below; no message may contain it.
const SECRET: &str = "hunter2";

/// Fails unless the server refuses `config` with an error that names the file, `line` and `key`.
fn is_refused(config: &str, line: usize, key: &str) {
    let file = config_file(config);
    let output = run(&["--config", file.to_str().unwrap()]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{config}\n{message}");
    assert_eq!(output.stdout, b"", "{config}");
    assert!(message.contains(file.to_str().unwrap()), "{message}");
    assert!(message.contains(&format!("line {line},")), "{config}\n{message}");
    assert!(message.contains(key), "{config}\n{message}");
    assert!(!message.contains(SECRET), "{config}\n{message}");
}

#[test]
fn an_unknown_key_is_refused_in_each_table() {
    is_refused("issuer = \"https://as.example\"\nisuer = \"x\"\n", 2, "isuer");
    is_refused("[provider]\n\nacess_token_lifetime = \"1h\"\n", 3, "acess_token_lifetime");
    is_refused("[[clients]]\nclient_id = \"app\"\nsecret = \"hunter2\"\n", 3, "secret");
    is_refused("[[clients]]\nclient_id = \"app\"\n[clients.policy]\ngrace = \"1m\"\n", 4, "grace");
    is_refused("[[users]]\nusername = \"demo\"\npassword = \"hunter2\"\nroles = []\n", 4, "roles");
}

#[test]
fn an_invalid_value_is_refused() {
    is_refused("[provider]\naccess_token_lifetime = \"soon\"\n", 2, "provider.access_token_lifetime");
    is_refused("[provider]\naccess_token_lifetime = 3600\n", 2, "provider.access_token_lifetime");
    is_refused("\n[provider]\naccess_token_lifetime = \"0s\"\n", 2, "access_token_lifetime");
    is_refused("[provider]\ngrace_period = \"never\"\n", 2, "grace_period");
    is_refused("[[clients]]\nclient_id = \"\"\n", 2, "clients.client_id");
    is_refused("[[clients]]\nclient_id = \"app\"\nscope = \"a  b\"\n", 3, "clients.scope");
    is_refused("[[clients]]\nclient_id = \"app\"\nredirect_uris = [\"/callback\"]\n", 3, "clients.redirect_uris");
    is_refused("[[clients]]\nclient_id = \"app\"\ngrant_types = [\"magic\"]\n", 3, "clients.grant_types");
    is_refused("[[clients]]\nclient_id = \"app\"\nresources = [\"api\"]\n", 3, "clients.resources");
    is_refused("[[clients]]\nclient_id = \"app\"\nintrospection = \"all\"\n", 3, "clients.introspection");
    is_refused("[[clients]]\nclient_id = \"app\"\ntoken_endpoint_auth_method = \"magic\"\n", 3, "auth_method");
    is_refused("[[clients]]\nclient_id = \"app\"\ndefault_audience = \"api\"\n", 3, "clients.default_audience");
    is_refused("[[clients]]\nclient_id = \"app\"\naccepts_audience = \"yes\"\n", 3, "clients.accepts_audience");
    is_refused("[[clients]]\nclient_id = \"app\"\nany_localhost_port = 1\n", 3, "clients.any_localhost_port");
    is_refused("default_audience = \"api\"\n", 1, "default_audience");
    is_refused("[provider]\non_unknown_scope = \"drop\"\n", 2, "on_unknown_scope");
    is_refused(
        "cors = [\n\"https://app.example\",\n\"https://app.example/\"]\n",
        3,
        "as https://app.example (in `cors`)",
    );
    is_refused("cors = [\"*\", \"https://*.example\"]\n", 1, "without wildcards");
    is_refused("cors = [\"*\"]\ncors_headers = [\"a b\"]\n", 2, "cors_headers");
    is_refused(
        "[[clients]]\nclient_id = \"app\"\npost_logout_redirect_uris = [\"/out\"]\n",
        3,
        "post_logout_redirect_uris",
    );
    let signed = "[[clients]]\nclient_id = \"app\"\nid_token_signed_response_alg = \"ES256\"\n";
    is_refused(&format!("{signed}userinfo_signed_response_alg = \"EdDSA\"\n"), 4, "userinfo_signed_response_alg");
    is_refused("[[clients]]\nclient_id = \"app\"\nuserinfo_signed_response_alg = \"none\"\n", 3, "userinfo_signed");
    let user = "[[users]]\nusername = \"demo\"\npassword = \"hunter2\"\n";
    is_refused(&format!("{user}claims = {{ sub = \"other\" }}\n"), 4, "users.claims");
    is_refused("[[clients]]\nscope = \"read\"\n", 1, "client_id");
    for issuer in [
        "as.example",
        "https://",
        "https://as.example/",
        "https://as.example/am/",
        "https://as.example//am",
        "https://as.example/../am",
        "https://as.example/a%2Fm",
        "https://as.example?x",
        "https://as.example/am#x",
    ] {
        is_refused(&format!("issuer = \"{issuer}\"\n"), 1, "issuer");
    }
}

#[test]
fn a_signing_key_of_another_format_is_refused_with_the_command_that_converts_it() {
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/../regrant-jose/tests/it/keys/");
    let convert = "openssl pkcs8 -topk8 -nocrypt";
    for (file, mend) in [
        ("p256.sec1.pem", convert),
        ("rsa2048.pkcs1.pem", convert),
        ("p256.encrypted.pem", convert),
        ("p256.certificate.pem", "openssl x509"),
        ("p256.pub.pem", "private key"),
    ] {
        let pem = std::fs::read_to_string(format!("{keys}{file}")).unwrap();
        is_refused(&format!("[jwt]\nkeys = ['''{pem}''']\n"), 2, mend);
        is_refused(&format!("[jwt]\n\nkeys = [{{ alg = \"ES256\", pem = '''{pem}''' }}]\n"), 3, mend);
    }
    let pem = std::fs::read_to_string(format!("{keys}p256.pem")).unwrap();
    for alg in ["EdDSA", "RS256", "none"] {
        is_refused(&format!("[jwt]\nkeys = [{{ alg = \"{alg}\", pem = '''{pem}''' }}]\n"), 2, "jwt.keys");
    }
    let held_by_nobody = "[[clients]]\nclient_id = \"app\"\nid_token_signed_response_alg = \"PS256\"\n";
    is_refused(held_by_nobody, 3, "clients.id_token_signed_response_alg");
}

#[test]
fn a_value_of_another_form_is_answered_with_the_form() {
    is_refused("[provider]\naccess_token_lifetime = 600\n", 2, "\"90s\"");
    is_refused("[provider]\naccess_token_lifetime = \"600\"\n", 2, "\"90s\"");
    is_refused("[provider]\nrefresh_token_lifetime = \"forever\"\n", 2, "\"never\"");
    is_refused("[provider]\nrefresh_token_lifetime = 600\n", 2, "\"never\"");
    is_refused("[provider]\ngrace_period = 60\n", 2, "\"auto\"");
    is_refused("[[clients]]\nclient_id = \"app\"\n[clients.policy]\naccess_token_lifetime = 600\n", 4, "\"90s\"");
    let grant_types = |word: &str| format!("[[clients]]\nclient_id = \"app\"\ngrant_types = [\"{word}\"]\n");
    is_refused(&grant_types("authcode"), 3, "did you mean authorization_code?");
    is_refused(&grant_types("Refresh-Token"), 3, "did you mean refresh_token?");
    is_refused(&grant_types("device_code"), 3, "did you mean urn:ietf:params:oauth:grant-type:device_code?");
    is_refused(&grant_types("magic"), 3, "must be authorization_code, refresh_token");
}

#[test]
fn a_key_with_a_typing_error_is_answered_with_the_right_one() {
    is_refused("isuer = \"https://as.example\"\n", 1, "did you mean `issuer`?");
    is_refused("[provider]\nacess_token_lifetime = \"1h\"\n", 2, "did you mean `access_token_lifetime`?");
    is_refused("[[clients]]\nclient_id = \"app\"\nredirect_uri = []\n", 3, "did you mean `redirect_uris`?");
    let file = config_file("[jwt]\nhunter2 = []\n");
    let output = run(&["--config", file.to_str().unwrap()]);
    assert!(!String::from_utf8(output.stderr).unwrap().contains("did you mean"));
}

#[test]
fn a_check_reads_the_configuration_and_opens_nothing() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let check = |config: Option<&str>| {
        let file = config.map(config_file);
        let mut arguments = vec!["--check", "--listen", &address, "--store", "sqlite:/no/such/folder/grants.db"];
        arguments.extend(file.iter().flat_map(|file| ["--config", file.to_str().unwrap()]));
        run(&arguments)
    };
    for config in [None, Some("issuer = \"https://as.example\"\n")] {
        let output = check(config);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(output.stdout, b"the configuration has no fault\n");
    }
    for (config, fault) in [("isuer = \"x\"\n", "isuer"), ("[provider]\naccess_token_lifetime = \"0s\"\n", "lifetime")]
    {
        let output = check(Some(config));
        assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]), "{output:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains(fault));
    }
}

#[test]
fn the_command_check_does_what_the_option_does() {
    let check = |config: &str| {
        let file = config_file(config);
        let store = "sqlite:/no/such/folder/grants.db";
        operate(&["check", "--config", file.to_str().unwrap(), "--store", store], "")
    };
    let output = check("issuer = \"https://as.example\"\n");
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"the configuration has no fault\n"[..]));
    let output = check("isuer = \"x\"\n");
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]));
    assert!(String::from_utf8(output.stderr).unwrap().contains("did you mean `issuer`?"));
}

#[test]
fn a_contradiction_is_refused() {
    let both = "[[clients]]\nclient_id = \"app\"\nclient_secret = \"hunter2\"\nclient_secrets = [\"hunter2\"]\n";
    is_refused(both, 4, "clients.client_secrets");
    let secret_of_nobody =
        "[[clients]]\nclient_id = \"app\"\nclient_secret = \"hunter2\"\ntoken_endpoint_auth_method = \"none\"\n";
    is_refused(secret_of_nobody, 4, "clients.token_endpoint_auth_method");
    let no_secret = "[[clients]]\nclient_id = \"app\"\ntoken_endpoint_auth_method = \"client_secret_post\"\n";
    is_refused(no_secret, 3, "clients.token_endpoint_auth_method");
    let long_grace = "[[clients]]\nclient_id = \"app\"\n[clients.policy]\ngrace_period = \"3m\"\n";
    is_refused(long_grace, 3, "grace_period");
}

#[test]
fn duplicates_are_refused_in_the_configuration() {
    is_refused("[[clients]]\nclient_id = \"app\"\n\n[[clients]]\nclient_id = \"app\"\n", 5, "clients.client_id");
    let user = "[[users]]\nusername = \"demo\"\npassword = \"hunter2\"\n";
    is_refused(&format!("{user}{user}"), 5, "users.username");
    let key = "\"3VTm5yOAsNeXosYX81EqrTjZznvuvuH4W1gGOd1008Y\"";
    is_refused(&format!("keys = [\n  {key},\n  {key},\n]\n"), 3, "keys");
}

#[test]
fn no_error_repeats_a_secret() {
    is_refused("keys = [\"hunter2\"]\n", 1, "keys");
    is_refused("keys = \"hunter2\"\n", 1, "keys");
    is_refused("keys = [\"3VTm5yOAsNeXosYX81EqrTjZznvuvuH4W1gGOd1008Y\", \"hunter2\"]\n", 1, "keys");
    is_refused("[[clients]]\nclient_id = \"app\"\nclient_secrets = \"hunter2\"\n", 3, "clients.client_secrets");
    is_refused(
        "[[clients]]\nclient_id = \"app\"\nclient_secrets = \"a, expected hunter2\"\n",
        3,
        "clients.client_secrets",
    );
    is_refused("[[clients]]\nclient_id = \"app\"\nclient_secret = [\"hunter2\"]\n", 3, "clients.client_secret");
    is_refused("[[clients]]\nclient_id = \"app\"\nclient_secret = { hunter2 = 1 }\n", 3, "clients.client_secret");
    is_refused("[[clients]]\nclient_id = \"app\"\nclient_secret = \"\"\n", 3, "clients.client_secret");
    let three = "[[clients]]\nclient_id = \"app\"\nclient_secrets = [\"hunter2\", \"hunter2\", \"hunter2\"]\n";
    is_refused(three, 3, "clients.client_secrets");
    is_refused("clients = [\"hunter2\"]\n", 1, "clients");
    is_refused("[[users]]\nusername = \"demo\"\npassword = \"\"\n", 3, "users.password");
    // Invalid TOML has no key.
    for value in ["hunter2", "\"hunter2", "\"hunter2\" x", "\"hunter2\\q\"", "'''hunter2", "[\"hunter2\""] {
        is_refused(&format!("[[clients]]\nclient_id = \"app\"\nclient_secret = {value}"), 3, "expected");
    }
}

#[test]
fn no_error_repeats_a_numeric_secret() {
    let file = config_file("[[users]]\nusername = \"demo\"\npassword = 271828\n");
    let output = run(&["--config", file.to_str().unwrap()]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("line 3") && message.contains("users.password"), "{message}");
    assert!(!message.contains("271828"), "{message}");
}

#[test]
fn an_error_names_an_unreadable_file() {
    let output = run(&["--config", "/no/such/file.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("/no/such/file.toml"));
}

#[test]
fn an_unknown_store_is_refused_with_the_known_ones() {
    let output = run(&["--store", "mongodb://user:hunter2@db.example"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains("--store") && message.contains("known are memory, sqlite, postgres"), "{message}");
    assert!(!message.contains(SECRET), "{message}");
}

#[test]
fn a_store_that_cannot_be_opened_ends_the_server_with_the_cause() {
    let nowhere = [
        ("sqlite:/no/such/folder/grants.db", "/no/such/folder/grants.db"),
        ("sqlite:///no/such/folder/grants.db", "No such file"),
        ("sqlite:grants.db?mode=ro", "mode=rwc"),
        ("postgres://user:hunter2@127.0.0.1:1/auth", "reach"),
        ("postgres://user:hunter2@[", "URL"),
        ("mysql://user:hunter2@127.0.0.1:1/auth", "reach"),
        ("mariadb://user:hunter2@127.0.0.1:1", "URL"),
        ("redis://user:hunter2@127.0.0.1:1", "reach"),
        ("redis-cluster://user:hunter2@127.0.0.1:1,127.0.0.1:2", "reach"),
        ("redis://user:hunter2@127.0.0.1:notaport", "URL"),
    ];
    for (store, cause) in nowhere {
        let output = run(&["--store", store]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("--store") && message.contains(cause), "{store}: {message}");
        assert!(!message.contains(SECRET), "{message}");
    }
}
