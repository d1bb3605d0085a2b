//! The search for secrets: which parts of a secret it reports.

use fixtures::Secrets;
use fixtures::secrets::spellings;

/// Bytes as a token has them, and bytes that need an escape each.
const SECRETS: [&[u8]; 2] =
    [b"at_kJ8s-Qw_3xZ0aLmN5tYv", b"/\xc3\xa9\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\xf4\xf3"];

#[test]
fn a_secret_is_found_in_each_spelling() {
    for secret in SECRETS {
        let mut secrets = Secrets::default();
        secrets.add("secret", secret);
        for (spelling, text) in spellings(secret) {
            let text = [b"before ", &*text, b" after"].concat();
            let found = secrets.search().sightings(&text);
            assert!(found.iter().any(|sighting| sighting.spelling == spelling), "{spelling}: {found:?}");
        }
    }
}

#[test]
fn eight_bytes_of_a_beginning_count_as_seen_and_two_escaped_bytes_do_not() {
    let mut secrets = Secrets::default();
    secrets.add("secret", SECRETS[1]);
    let found = |text: &str| secrets.search().sightings(text.as_bytes()).len();
    assert_eq!(found("state=d%2F%C3%A9&x=%FF%FE"), 0);
    assert_eq!(found("state=d%2F%C3%A9%FF%FE%FD%FC%FA"), 0);
    assert_eq!(found("state=d%2F%C3%A9%FF%FE%FD%FC%FB%00"), 1);
    assert_eq!(found("state=2FC3A9FFFEFDFCFA"), 0);
    assert_eq!(found("state=2FC3A9FFFEFDFCFB"), 1);
}
