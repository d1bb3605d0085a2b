//! A token has one spelling. Any other string is not that token (ZITADEL: CVE-2026-27840).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::forge::{self, Forger};
use fixtures::seconds;
use proptest::prelude::*;
use regrant::clock::Clock as _;
use regrant::policy::{AccessTokenFormat, Lifetime};
use regrant::token::TokenPrefixes;
use regrant::{
    AuthenticatedClient, ClientRegistry, GrantType, IssueRequest, Key, KeyRing, MemoryStore, Policy, RefreshRequest,
    Refusal, TokenService,
};

use crate::lifecycle::node::{Node, Tokens, VERIFIER, approval, cases, client, refusal, ring_secret, run};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A node with one of each: a code not redeemed, and tokens.
fn all_kinds() -> (Node, String, Tokens) {
    let node = Node::new(Policy::default());
    let (code, tokens) = (node.authorize(), node.issue());
    (node, code, tokens)
}

/// One of each kind that a client can present, with the kind.
fn presented(node: &Node, code: &str, tokens: &Tokens) -> [(u8, String); 4] {
    let device_code = node.authorize_device().device_code.expose().to_owned();
    [
        (forge::CODE, code.to_owned()),
        (forge::REFRESH, tokens.refresh().to_owned()),
        (forge::ACCESS, tokens.access.clone()),
        (forge::DEVICE, device_code),
    ]
}

/// Asserts that `text` is nothing at any endpoint, and that no endpoint asked the store about it.
fn assert_meaningless(node: &Node, text: &str) {
    let calls = node.store.calls();
    assert!(!node.is_active(text), "{text:?} is active");
    assert_eq!(refusal(node.refresh(text)), Refusal::TokenUnrecognized, "{text:?}");
    assert_eq!(refusal(node.redeem(text)), Refusal::TokenUnrecognized, "{text:?}");
    assert_eq!(refusal(node.poll(text)), Refusal::TokenUnrecognized, "{text:?}");
    node.revoke(text);
    assert_eq!(node.store.calls(), calls, "{text:?} cost a call of the store");
}

#[test]
fn tokens_of_a_kind_have_one_length_and_the_characters_of_a_bearer_token() {
    // RFC 6750 section 2.1.
    let (_, code, tokens) = all_kinds();
    for (token, prefix) in [(&*code, "ac_"), (&*tokens.access, "at_"), (tokens.refresh(), "rt_")] {
        assert_eq!((token.len(), &token[..3]), (if prefix == "rt_" { 131 } else { 95 }, prefix));
        assert!(token.bytes().all(|byte| ALPHABET.contains(&byte)));
    }
}

#[test]
fn tokens_begin_with_the_prefix_that_the_host_chose() {
    let keys = KeyRing::new(Key::from_parts(1, ring_secret(1)).unwrap());
    let prefixes = TokenPrefixes::new("acme_ac_", "acme_rt_", "acme_at_", "acme_dc_").unwrap();
    let builder = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).prefixes(prefixes);
    let (service, client) = (builder.build().unwrap(), AuthenticatedClient::assertion(client("app").into()));
    let tokens = run(service.issue(&client, IssueRequest::new(GrantType::Password, approval()))).unwrap();
    assert!(tokens.access_token.expose().starts_with("acme_at_"));
    let token = tokens.refresh_token.unwrap();
    let renamed = token.expose().strip_prefix("acme_").unwrap();
    assert!(run(service.refresh(&client, &RefreshRequest::new(renamed))).is_err());
    assert!(run(service.refresh(&client, &RefreshRequest::new(token))).is_ok());
}

#[test]
fn a_prefix_has_1_to_32_characters_of_a_token_and_begins_no_other() {
    let longest = "x".repeat(32);
    for (prefix, is_valid) in [
        ("c_", true),
        ("C-9", true),
        (&longest, true),
        (&*"x".repeat(33), false),
        ("", false),
        ("c.", false),
        ("c ", false),
        ("\u{e9}_", false),
        ("rt_", false),
        ("r", false),
        ("rt_x", false),
    ] {
        assert_eq!(TokenPrefixes::new(prefix, "rt_", "at_", "dc_").is_ok(), is_valid, "{prefix:?}");
        assert_eq!(TokenPrefixes::new("ac_", "rt_", "at_", prefix).is_ok(), is_valid, "{prefix:?}");
    }
}

#[test]
fn every_other_character_at_every_place_makes_another_token() {
    let (node, code, tokens) = all_kinds();
    for token in [&*code, &tokens.access, tokens.refresh()] {
        for place in 0..token.len() {
            // All 63 others in the last place, where sloppy decoders ignore bits; a few elsewhere.
            let others = if place + 4 >= token.len() { ALPHABET } else { b"A_" };
            for other in others {
                let mut bytes = token.as_bytes().to_vec();
                if bytes[place] == *other {
                    continue;
                }
                bytes[place] = *other;
                assert_meaningless(&node, std::str::from_utf8(&bytes).unwrap());
            }
        }
    }
}

#[test]
fn nothing_may_be_cut_off_or_put_on() {
    let (node, code, tokens) = all_kinds();
    for token in [&*code, &tokens.access, tokens.refresh()] {
        for length in 0..token.len() {
            assert_meaningless(&node, &token[..length]);
            assert_meaningless(&node, &token[token.len() - length..]);
        }
        for extra in ["=", "==", "A", "AAAA", " ", "\n", "\r\n", "\t", "\0", "%20", "\u{feff}"] {
            assert_meaningless(&node, &format!("{token}{extra}"));
            assert_meaningless(&node, &format!("{extra}{token}"));
            assert_meaningless(&node, &format!("{}{extra}{}", &token[..3], &token[3..]));
        }
        assert_meaningless(&node, &token.to_uppercase());
        assert_meaningless(&node, &token.to_lowercase());
        assert_meaningless(&node, &token.replace(['-', '_'], "+"));
        assert_meaningless(&node, &format!("{token}{token}"));
    }
}

#[test]
fn a_token_of_one_kind_does_not_pass_for_another() {
    // Keycloak: CVE-2023-0657.
    let (node, code, tokens) = all_kinds();
    for (_, token) in presented(&node, &code, &tokens) {
        for prefix in ["ac_", "at_", "rt_", "dc_", "AC_", "", "xx_"] {
            let other = format!("{prefix}{}", &token[3..]);
            if other != token {
                assert_meaningless(&node, &other);
            }
        }
    }
}

#[test]
fn a_jti_is_no_token() {
    let policy = Policy::default().with_access_token_format(AccessTokenFormat::Jwt);
    let node = Node::new(Policy::default()).with_jwts().under(policy);
    let jti = fixtures::claims(&node.issue().access)["jti"].as_str().unwrap().to_owned();
    for prefix in ["", "ac_", "at_", "rt_", "dc_"] {
        assert_meaningless(&node, &format!("{prefix}{jti}"));
    }
}

#[test]
fn a_token_with_one_flipped_bit_is_no_token() {
    let (node, code, tokens) = all_kinds();
    for (_, token) in presented(&node, &code, &tokens) {
        let sealed = URL_SAFE_NO_PAD.decode(&token[3..]).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_meaningless(&node, &format!("{}{}", &token[..3], URL_SAFE_NO_PAD.encode(flipped)));
        }
    }
}

// A client that repeats a request gets the same bytes, and a token has no room for anything else.
#[test]
fn sealing_is_deterministic_and_the_format_is_the_documented_one() {
    let (node, code, tokens) = all_kinds();
    let forger = Forger::new(1, &ring_secret(1));
    for (kind, token) in presented(&node, &code, &tokens) {
        let content = forger.open(kind, &token);
        assert_eq!(forger.seal(kind, &content), token);
        for other in [forge::CODE, forge::REFRESH, forge::ACCESS, forge::DEVICE, forge::JWT_ID] {
            assert_eq!(forger.try_open(other, &token).is_some(), other == kind, "{other}");
        }
    }
}

#[test]
fn a_token_means_nothing_in_another_realm_or_under_other_keys() {
    let (node, code, tokens) = all_kinds();
    // Key 1 is dropped in one, and in the other its id is a stranger's.
    let same_id = node.with_ring(&[(1, ring_secret(2))]);
    for elsewhere in [node.in_realm("elsewhere"), node.with_keys(&[2]), node.with_keys(&[2, 3]), same_id] {
        for token in [&*code, &tokens.access, tokens.refresh()] {
            assert_meaningless(&elsewhere, token);
        }
    }
    let later = node.with_keys(&[2, 1]);
    assert!(later.is_active(&tokens.access) && later.refresh(tokens.refresh()).is_ok() && later.redeem(&code).is_ok());
}

#[test]
fn a_service_with_another_ring_shares_all_but_its_keys() {
    let policy = Policy::default().with_refresh_token_lifetime(Lifetime::Of(seconds(7200)));
    let node = Node::new(policy).in_realm("customers");
    let first = node.issue();
    let lost = node.refresh(first.refresh()).unwrap();
    let rotated = node.with_keys(&[2, 1]);
    assert_eq!(rotated.refresh(first.refresh()).unwrap(), lost, "a retry is answered byte for byte");
    let next = rotated.refresh(lost.refresh()).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(&next.refresh()[3..]).unwrap()[0], 2);
    assert_eq!(next.refresh_expires_at, Some(node.clock.now() + seconds(7200)));
    // A call that began before the rotation ends with the former ring.
    assert_eq!(refusal(node.refresh(next.refresh())), Refusal::TokenUnrecognized);
    assert!(node.is_active(&lost.access) && rotated.is_active(&lost.access));
}

#[test]
fn the_key_id_of_a_token_is_sealed() {
    // Both ids have the same secret, a mistake of the host. The token still has one spelling.
    let node = Node::new(Policy::default()).with_ring(&[(1, ring_secret(1)), (2, ring_secret(1))]);
    let (code, tokens) = (node.authorize(), node.issue());
    for (_, token) in presented(&node, &code, &tokens) {
        let mut sealed = URL_SAFE_NO_PAD.decode(&token[3..]).unwrap();
        assert_eq!(sealed[0], 1);
        sealed[0] = 2;
        assert_meaningless(&node, &format!("{}{}", &token[..3], URL_SAFE_NO_PAD.encode(sealed)));
    }
}

#[test]
fn tokens_of_one_grant_have_only_the_key_id_in_common() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    let second = node.refresh(first.refresh()).unwrap();
    for (one, other) in [(&first.access, &second.access), (first.refresh.as_ref().unwrap(), &first.access)] {
        let [one, other] = [one, other].map(|token| URL_SAFE_NO_PAD.decode(&token[3..]).unwrap());
        assert_eq!(one[0], other[0]);
        assert!(one[1..].windows(4).all(|bytes| !other[1..].windows(4).any(|others| others == bytes)));
    }
    // The generation is the only difference between these contents.
    let forger = Forger::new(1, &ring_secret(1));
    let content = forger.open(forge::REFRESH, first.refresh());
    let next = forger.seal(forge::REFRESH, &forge::Content { number: content.number + 1, ..content });
    let [one, other] = [first.refresh(), &*next].map(|token| URL_SAFE_NO_PAD.decode(&token[3..]).unwrap());
    assert!(one[1..].windows(4).all(|bytes| !other[1..].windows(4).any(|others| others == bytes)));
}

#[test]
fn realms_whose_names_begin_alike_are_strangers() {
    let node = Node::new(Policy::default()).in_realm("a");
    let tokens = node.issue();
    for realm in ["", "aa", "A", "a ", "b"] {
        assert_meaningless(&node.in_realm(realm), &tokens.access);
    }
}

#[test]
fn texts_that_are_no_tokens_are_no_tokens() {
    let (node, ..) = all_kinds();
    for text in ["", " ", "rt_", "at_", VERIFIER, "\u{1f511}", "rt_\u{e9}\u{e9}", &"A".repeat(100_000)] {
        assert_meaningless(&node, text);
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn any_edit_makes_another_token(
        which in 0..3_usize,
        place in 0..=95_usize,
        cut in 0..4_usize,
        insert in "[A-Za-z0-9_=+/ -]{0,4}",
    ) {
        let (node, code, tokens) = all_kinds();
        let token = [&*code, &tokens.access, tokens.refresh()][which];
        let place = place.min(token.len());
        let end = (place + cut).min(token.len());
        let edited = format!("{}{insert}{}", &token[..place], &token[end..]);
        prop_assume!(edited != token);
        assert_meaningless(&node, &edited);
    }

    #[test]
    fn two_swapped_tokens_never_make_a_third(which in 0..5_usize, at in 0..131_usize) {
        // Splices of two genuine tokens of one kind: of one grant in two generations, and of two grants.
        let (node, code, tokens) = all_kinds();
        let next = node.refresh(tokens.refresh()).unwrap();
        let (other_code, foreign) = (node.authorize(), node.issue());
        let pairs = [
            (&*code, &*other_code),
            (&tokens.access, &next.access),
            (tokens.refresh(), next.refresh()),
            (&tokens.access, &foreign.access),
            (tokens.refresh(), foreign.refresh()),
        ];
        let at = at.min(pairs[which].0.len());
        let (left, right) = pairs[which];
        let spliced = format!("{}{}", &left[..at], &right[at..]);
        prop_assume!(spliced != left && spliced != right);
        assert_meaningless(&node, &spliced);
    }

    #[test]
    fn arbitrary_text_is_no_token(text in any::<String>(), base64 in "(at|rt|ac)_[A-Za-z0-9_-]{92}") {
        let (node, ..) = all_kinds();
        assert_meaningless(&node, &text);
        assert_meaningless(&node, &base64);
    }
}
