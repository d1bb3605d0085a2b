//! Garbage costs no I/O and no memory (ARCHITECTURE.md, order of checks).

use fixtures::{APP, AUDITOR, Auth, Config, ISSUER, START, Seeded, WatchedStore, basic, ready};
use regrant::clock::ManualClock;
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{Entropy as _, GrantType, Issuer, Key, KeyRing, TokenService};

const DEVICE_CODE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";

/// The presentations of a token: endpoint, client, the form up to the token.
fn presentations() -> [(Endpoint, Auth<'static>, String); 5] {
    [
        (Endpoint::Token, APP, "grant_type=refresh_token&refresh_token=".to_owned()),
        (Endpoint::Introspection, AUDITOR, "token=".to_owned()),
        (Endpoint::Revocation, APP, "token=".to_owned()),
        (Endpoint::Token, APP, "grant_type=authorization_code&code=".to_owned()),
        (Endpoint::Token, APP, format!("grant_type={DEVICE_CODE}&device_code=")),
    ]
}

fn endpoints(store: &WatchedStore) -> Endpoints<WatchedStore> {
    let config = Config::default().with_client(APP, |mut client| {
        client.grant_types.push(GrantType::DeviceCode);
        client
    });
    let keys = KeyRing::new(Key::from_parts(1, *b"a fuzz key of thirty-two bytes..").unwrap());
    let clock = ManualClock::starting_at(START);
    let service = TokenService::builder(store.clone(), config.registry(), keys).clock(clock).build().unwrap();
    let endpoints = Endpoints::new(service, Issuer::from_static(ISSUER)).unwrap();
    let mut paths = endpoints.paths().clone();
    paths.device_verification = Some("/device".to_owned());
    endpoints.with_paths(paths)
}

/// A text of the alphabet and, mostly, of the length of a token.
fn garbage(random: &Seeded, number: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (prefix, length) = [("rt_", 128), ("at_", 92), ("ac_", 92), ("dc_", 92), ("", 40)][number / 5 % 5];
    let mut bytes = [0; 128];
    random.fill(&mut bytes);
    // The id of the only key: the token is not refused before it is opened.
    bytes[..2].copy_from_slice(&[0, 16]);
    let text = bytes[..length].iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)]));
    prefix.chars().chain(text).collect()
}

#[test]
fn a_hundred_thousand_garbage_tokens_cost_no_store_call_and_no_memory() {
    let store = WatchedStore::default();
    let endpoints = endpoints(&store);
    let presentations = presentations()
        .map(|(endpoint, auth, form)| (endpoint, basic(auth.id(), auth.secret().unwrap()).into_bytes(), form));
    let random = Seeded::new(1);
    let mut send = |number: usize| {
        let (endpoint, authorization, form) = &presentations[number % 5];
        let headers: [(&str, &[u8]); 2] =
            [("Content-Type", b"application/x-www-form-urlencoded"), ("Authorization", authorization)];
        let body = [form.as_str(), &garbage(&random, number)].concat();
        let request = Request::new("POST", "/oauth2/token", &headers, body.as_bytes());
        let response = ready(endpoints.handle(*endpoint, &request));
        let body = String::from_utf8(response.body).expect("UTF-8");
        match endpoint {
            Endpoint::Introspection => assert_eq!(body, r#"{"active":false}"#),
            Endpoint::Revocation => assert_eq!(body, "{}"),
            _ => assert!(body.contains("invalid_grant"), "{body}"),
        }
    };
    // Tables that are filled once.
    (0..25).for_each(&mut send);
    let memory = allocation_counter::measure(|| (0..100_000).for_each(&mut send));
    assert_eq!(store.calls(), 0);
    assert_eq!(memory.bytes_current, 0, "memory that is not given back");
    assert!(memory.bytes_max < 8 * 1024, "{} bytes at the peak", memory.bytes_max);
}
