//! A token has one spelling. Whatever differs from it in any way is not that token (C161, C162, A41).

use proptest::prelude::*;
use regrant::{Policy, Refusal};

use crate::lifecycle::world::{Tokens, VERIFIER, World, cases, refusal};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A world with one of each: a code not redeemed, and tokens.
fn all_kinds() -> (World, String, Tokens) {
    let world = World::new(Policy::default());
    let (code, tokens) = (world.authorize(), world.issue());
    (world, code, tokens)
}

/// Asserts that `text` is nothing at any door, and that no door asked the store about it.
fn assert_meaningless(world: &World, text: &str) {
    let calls = world.store.calls();
    assert!(!world.is_active(text), "{text:?} is active");
    assert_eq!(refusal(world.refresh(text)), Refusal::TokenUnrecognized, "{text:?}");
    assert_eq!(refusal(world.redeem(text)), Refusal::TokenUnrecognized, "{text:?}");
    world.revoke(text);
    assert_eq!(world.store.calls(), calls, "{text:?} cost a call of the store");
}

#[test]
fn tokens_of_a_kind_have_one_length_and_the_characters_of_a_bearer_token() {
    // RFC 6750 section 2.1.
    let (_, code, tokens) = all_kinds();
    for (token, prefix) in [(&*code, "ac_"), (&*tokens.access, "at_"), (tokens.refresh(), "rt_")] {
        assert_eq!((token.len(), &token[..3]), (if prefix == "rt_" { 147 } else { 111 }, prefix));
        assert!(token.bytes().all(|byte| ALPHABET.contains(&byte)));
    }
}

#[test]
fn every_other_character_at_every_place_makes_another_token() {
    let (world, code, tokens) = all_kinds();
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
                assert_meaningless(&world, std::str::from_utf8(&bytes).unwrap());
            }
        }
    }
}

#[test]
fn nothing_may_be_cut_off_or_put_on() {
    let (world, code, tokens) = all_kinds();
    for token in [&*code, &tokens.access, tokens.refresh()] {
        for length in 0..token.len() {
            assert_meaningless(&world, &token[..length]);
            assert_meaningless(&world, &token[token.len() - length..]);
        }
        for extra in ["=", "==", "A", "AAAA", " ", "\n", "\r\n", "\t", "\0", "%20", "\u{feff}"] {
            assert_meaningless(&world, &format!("{token}{extra}"));
            assert_meaningless(&world, &format!("{extra}{token}"));
            assert_meaningless(&world, &format!("{}{extra}{}", &token[..3], &token[3..]));
        }
        assert_meaningless(&world, &token.to_uppercase());
        assert_meaningless(&world, &token.to_lowercase());
        assert_meaningless(&world, &token.replace(['-', '_'], "+"));
        assert_meaningless(&world, &format!("{token}{token}"));
    }
}

#[test]
fn a_token_of_one_kind_does_not_pass_for_another() {
    // A42.
    let (world, code, tokens) = all_kinds();
    for token in [&*code, &tokens.access, tokens.refresh()] {
        for prefix in ["ac_", "at_", "rt_", "AC_", "", "xx_"] {
            let other = format!("{prefix}{}", &token[3..]);
            if other != token {
                assert_meaningless(&world, &other);
            }
        }
    }
}

#[test]
fn a_token_means_nothing_in_another_realm_or_under_other_keys() {
    let (world, code, tokens) = all_kinds();
    // Key 1 is dropped in one, and in the other its id is a stranger's.
    for elsewhere in [world.in_realm("elsewhere"), world.with_keys(&[2]), world.with_keys(&[2, 3])] {
        for token in [&*code, &tokens.access, tokens.refresh()] {
            assert_meaningless(&elsewhere, token);
        }
    }
    let later = world.with_keys(&[2, 1]);
    assert!(later.is_active(&tokens.access) && later.refresh(tokens.refresh()).is_ok() && later.redeem(&code).is_ok());
}

#[test]
fn realms_whose_names_begin_alike_are_strangers() {
    let world = World::new(Policy::default()).in_realm("a");
    let tokens = world.issue();
    for realm in ["", "aa", "A", "a ", "b"] {
        assert_meaningless(&world.in_realm(realm), &tokens.access);
    }
}

#[test]
fn texts_that_are_no_tokens_are_no_tokens() {
    let (world, ..) = all_kinds();
    for text in ["", " ", "rt_", "at_", VERIFIER, "\u{1f511}", "rt_\u{e9}\u{e9}", &"A".repeat(100_000)] {
        assert_meaningless(&world, text);
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn any_edit_makes_another_token(
        which in 0..3_usize,
        place in 0..=111_usize,
        cut in 0..4_usize,
        insert in "[A-Za-z0-9_=+/ -]{0,4}",
    ) {
        let (world, code, tokens) = all_kinds();
        let token = [&*code, &tokens.access, tokens.refresh()][which];
        let place = place.min(token.len());
        let end = (place + cut).min(token.len());
        let edited = format!("{}{insert}{}", &token[..place], &token[end..]);
        prop_assume!(edited != token);
        assert_meaningless(&world, &edited);
    }

    #[test]
    fn two_swapped_tokens_never_make_a_third(which in 0..3_usize, at in 0..111_usize) {
        // Splices of two genuine tokens of one kind and even of one grant.
        let (world, code, tokens) = all_kinds();
        let next = world.refresh(tokens.refresh()).unwrap();
        let other_code = world.authorize();
        let pairs = [(&*code, &*other_code), (&tokens.access, &next.access), (tokens.refresh(), next.refresh())];
        let (left, right) = pairs[which];
        let spliced = format!("{}{}", &left[..at], &right[at..]);
        prop_assume!(spliced != left && spliced != right);
        assert_meaningless(&world, &spliced);
    }

    #[test]
    fn arbitrary_text_is_no_token(text in any::<String>(), base64 in "(at|rt|ac)_[A-Za-z0-9_-]{108}") {
        let (world, ..) = all_kinds();
        assert_meaningless(&world, &text);
        assert_meaningless(&world, &base64);
    }
}
