//! Lifetimes to the millisecond, and the lifetimes in answers.

use std::time::Duration;

use regrant::clock::{Clock as _, Timestamp};
use regrant::event::ErrorCode;
use regrant::policy::{AccessTokenFormat, ClientPolicy, Lifetime};
use regrant::{ExchangeRequest, GrantType, Policy, Refusal};

use crate::lifecycle::node::{
    DAY, HOUR, MINUTE, MS, Node, SECOND, START, Tokens, approval, client, refusal, resources, run,
};

/// Ages around `end`, each with true when a token of that lifetime is active then.
fn around(end: Duration) -> [(Duration, bool); 3] {
    [(end - MS, true), (end, false), (end + MS, false)]
}

#[test]
fn an_authorization_code_lives_to_the_millisecond() {
    for lifetime in [Duration::from_secs(120), Duration::from_secs(1), MINUTE * 10] {
        for (age, lives) in around(lifetime) {
            let node = Node::new(Policy::default().with_authorization_code_lifetime(lifetime));
            let code = node.authorize();
            node.advance(age);
            let answer = node.redeem(&code);
            assert_eq!(answer.is_ok(), lives, "at {age:?} of {lifetime:?}");
            if !lives {
                assert_eq!(refusal(answer), Refusal::CodeExpired);
            }
        }
    }
}

#[test]
fn an_access_token_lives_to_the_millisecond() {
    for (age, lives) in around(HOUR) {
        let node = Node::new(Policy::default());
        let tokens = node.issue();
        assert_eq!(tokens.expires_in, HOUR);
        assert_eq!(node.introspect(&tokens.access).unwrap().expires_at, Some(START + HOUR));
        node.advance(age);
        assert_eq!(node.is_active(&tokens.access), lives, "at {age:?}");
    }
}

#[test]
fn an_unused_refresh_token_lives_to_the_millisecond() {
    for (age, lives) in around(DAY * 7) {
        let node = Node::new(Policy::default());
        let tokens = node.issue();
        assert_eq!(tokens.refresh_expires_at, Some(START + DAY * 7));
        assert_eq!(node.introspect(tokens.refresh()).unwrap().expires_at, Some(START + DAY * 7));
        node.advance(age);
        assert_eq!(node.is_active(tokens.refresh()), lives, "at {age:?}");
        let answer = node.refresh(tokens.refresh());
        assert_eq!(answer.is_ok(), lives, "at {age:?}");
        if !lives {
            // RFC 9700 section 4.14.2.
            assert_eq!(refusal(answer), Refusal::RefreshTokenExpired);
        }
    }
}

#[test]
fn each_rotation_starts_the_refresh_token_lifetime_anew() {
    // AM: the lifetime slides.
    let node = Node::new(Policy::default());
    let chain = node.rotate(&node.issue(), 10, DAY * 7 - MS);
    let last = chain.last().unwrap();
    assert_eq!(last.refresh_expires_at, Some(node.service.now() + DAY * 7));
    node.advance(DAY * 7);
    assert_eq!(refusal(node.refresh(last.refresh())), Refusal::RefreshTokenExpired);
}

#[test]
fn an_expired_refresh_token_is_expired_for_good() {
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    node.advance(DAY * 7);
    for _ in 0..2 {
        assert_eq!(refusal(node.refresh(tokens.refresh())), Refusal::RefreshTokenExpired);
        node.advance(DAY);
    }
}

#[test]
fn the_grant_ends_to_the_millisecond_however_often_it_is_refreshed() {
    // The end is absolute and does not slide.
    for (age, lives) in around(DAY) {
        let node = Node::new(Policy::default().with_grant_lifetime(DAY.into()));
        let chain = node.rotate(&node.issue(), 23, HOUR);
        node.clock.set(START + age);
        let last = chain.last().unwrap();
        assert_eq!(node.is_active(last.refresh()), lives, "at {age:?}");
        assert_eq!(node.is_active(&last.access), lives, "at {age:?}");
        // An access token would not live for a whole second.
        assert_eq!(refusal(node.refresh(last.refresh())), Refusal::GrantExpired);
        node.clock.set(START + (DAY - SECOND));
        assert_eq!(node.refresh(last.refresh()).unwrap().expires_in, SECOND);
    }
}

#[test]
fn nothing_outlives_its_grant_and_what_is_told_says_so() {
    // No token outlives its grant.
    let node = Node::new(Policy::default().with_grant_lifetime(DAY.into()));
    let end = START + DAY;
    let first = node.issue();
    assert_eq!((first.expires_in, first.refresh_expires_at), (HOUR, Some(end)));
    node.advance(DAY - MINUTE * 10);
    let late = node.refresh(first.refresh()).unwrap();
    assert_eq!((late.expires_in, late.refresh_expires_at), (MINUTE * 10, Some(end)));
    assert_eq!(node.introspect(&late.access).unwrap().expires_at, Some(end));
    assert_eq!(node.introspect(late.refresh()).unwrap().expires_at, Some(end));
    node.advance(MINUTE);
    assert_eq!(node.refresh_scoped(first.refresh(), "read").unwrap().expires_in, MINUTE * 9);
}

#[test]
fn a_grant_lifetime_shorter_than_a_token_lifetime_caps_the_first_tokens() {
    let node = Node::new(Policy::default().with_grant_lifetime((MINUTE * 5).into()));
    for tokens in [node.issue(), node.redeem(&node.authorize()).unwrap()] {
        assert_eq!((tokens.expires_in, tokens.refresh_expires_at), (MINUTE * 5, Some(START + MINUTE * 5)));
    }
}

#[test]
fn the_lifetime_of_a_grant_begins_with_its_authorization() {
    let node = Node::new(Policy::default().with_grant_lifetime((MINUTE * 5).into()));
    let code = node.authorize();
    node.advance(MINUTE);
    let tokens = node.redeem(&code).unwrap();
    assert_eq!(tokens.expires_in, MINUTE * 4);
    assert_eq!(tokens.refresh_expires_at, Some(START + MINUTE * 5));
}

#[test]
fn what_never_expires_has_no_expiry_to_tell() {
    // -1 in AM.
    let node = Node::new(Policy::default().with_refresh_token_lifetime(Lifetime::Never));
    let tokens = node.issue();
    assert_eq!(tokens.refresh_expires_at, None);
    node.advance(DAY * 36_500);
    let active = node.introspect(tokens.refresh()).unwrap();
    assert_eq!(active.expires_at, None);
    let next = node.refresh(tokens.refresh()).unwrap();
    assert_eq!(next.refresh_expires_at, None);
}

#[test]
fn a_refresh_token_that_never_expires_still_ends_with_its_grant() {
    let policy = Policy::default().with_refresh_token_lifetime(Lifetime::Never).with_grant_lifetime(DAY.into());
    let node = Node::new(policy);
    let tokens = node.issue();
    assert_eq!(tokens.refresh_expires_at, Some(START + DAY));
    node.advance(DAY);
    assert!(!node.is_active(tokens.refresh()));
    assert_eq!(refusal(node.refresh(tokens.refresh())), Refusal::GrantExpired);
}

#[test]
fn a_refresh_token_lifetime_shortened_later_applies_to_tokens_that_are_out() {
    // A shortened policy applies to existing grants.
    let long = Node::new(Policy::default());
    let short = long.under(Policy::default().with_refresh_token_lifetime(DAY.into()));
    for (age, lives) in around(DAY) {
        long.clock.set(START);
        let tokens = long.issue();
        long.advance(age);
        let answer = short.refresh(tokens.refresh());
        assert_eq!(answer.is_ok(), lives, "at {age:?}");
        match answer {
            Ok(next) => assert_eq!(next.refresh_expires_at, Some(short.service.now() + DAY)),
            refused => assert_eq!(refusal(refused), Refusal::RefreshTokenExpired),
        }
    }
}

#[test]
fn a_grant_lifetime_shortened_later_applies_to_grants_that_are_out() {
    let long = Node::new(Policy::default().with_grant_lifetime((DAY * 30).into()));
    let endless = long.under(Policy::default());
    let short = long.under(Policy::default().with_grant_lifetime(DAY.into()));
    for issuer in [&long, &endless] {
        for (age, lives) in around(DAY - SECOND + MS) {
            long.clock.set(START);
            let tokens = issuer.issue();
            long.advance(age);
            let answer = short.refresh(tokens.refresh());
            assert_eq!(answer.is_ok(), lives, "at {age:?}");
            match answer {
                Ok(next) => {
                    assert_eq!(next.refresh_expires_at, Some(START + DAY));
                    assert_eq!(next.expires_in, SECOND);
                }
                refused => assert_eq!(refusal(refused), Refusal::GrantExpired),
            }
        }
    }
}

#[test]
fn lifetimes_lengthened_later_do_not_lengthen_what_is_out() {
    // A lengthened policy does not lengthen existing ends.
    let short = Node::new(Policy::default().with_grant_lifetime(DAY.into()).with_refresh_token_lifetime(HOUR.into()));
    let long =
        short.under(Policy::default().with_grant_lifetime((DAY * 30).into()).with_access_token_lifetime(HOUR * 3));
    let tokens = short.issue();
    short.advance(HOUR);
    assert!(!long.is_active(&tokens.access), "an access token keeps the end it was issued with");
    assert_eq!(refusal(long.refresh(tokens.refresh())), Refusal::RefreshTokenExpired);
    let tokens = short.issue();
    short.advance(HOUR - MS);
    let next = long.refresh(tokens.refresh()).unwrap();
    // The successor gets the longer idle lifetime, and still ends with its grant.
    assert_eq!(next.refresh_expires_at, Some(START + HOUR + DAY));
    short.clock.set(START + HOUR + DAY);
    assert_eq!(refusal(long.refresh(next.refresh())), Refusal::GrantExpired);
}

#[test]
fn introspection_tells_the_times_that_hold() {
    // Each reported end is the first instant at which the token is expired.
    let node = Node::new(Policy::default().with_grant_lifetime((DAY * 3).into()));
    for tokens in node.rotate(&node.issue(), 3, HOUR * 20) {
        for token in [&*tokens.access, tokens.refresh()] {
            let now = node.service.now();
            let Some(active) = node.introspect(token) else { continue };
            assert!(active.issued_at <= now);
            let end = active.expires_at.unwrap();
            node.clock.set(end);
            assert!(!node.is_active(token));
            node.clock.set(Timestamp::from_millis(end.as_millis() - 1));
            assert!(node.is_active(token));
            node.clock.set(now);
        }
    }
}

#[test]
fn a_client_and_then_its_flow_override_the_lifetimes() {
    // As in AM: the client's value if it is not 0, else the provider's.
    let mut policy = ClientPolicy::default()
        .with_access_token_lifetime(MINUTE * 10)
        .with_refresh_token_lifetime(Lifetime::Of(DAY))
        .with_authorization_code_lifetime(SECOND * 30);
    let device = ClientPolicy::default().with_access_token_lifetime(MINUTE);
    policy.grant_types.insert(GrantType::DeviceCode, device);
    let node = Node::new(Policy::default());
    let special = node.acting_as(client("app").with_policy(policy));

    let password = special.issue();
    assert_eq!((password.expires_in, password.refresh_expires_at), (MINUTE * 10, Some(START + DAY)));
    let device = special.try_issue(GrantType::DeviceCode, approval()).unwrap();
    assert_eq!((device.expires_in, device.refresh_expires_at), (MINUTE, Some(START + DAY)));
    // The flow that created the grant counts at its refreshes too.
    assert_eq!(special.refresh(device.refresh()).unwrap().expires_in, MINUTE);
    assert_eq!(special.refresh(password.refresh()).unwrap().expires_in, MINUTE * 10);
    let code = special.authorize();
    special.advance(SECOND * 30);
    assert_eq!(refusal(special.redeem(&code)), Refusal::CodeExpired);
    assert_eq!(node.issue().expires_in, HOUR);
}

#[test]
fn every_answer_tells_a_whole_second_that_is_true_or_is_the_refusal() {
    // `expires_in` was missing when less than a second was left. In both formats: the `exp` of a JWT has whole seconds
    // only.
    for (format, off) in [AccessTokenFormat::Opaque, AccessTokenFormat::Jwt]
        .into_iter()
        .flat_map(|format| [0, 1, 500, 999].map(|off| (format, off)))
    {
        for left in [1, 500, 999, 1000, 1001, 1999, 2000, 3500] {
            let policy = Policy::default()
                .with_grant_lifetime((SECOND * 100).into())
                .with_device_code_lifetime(SECOND * 200)
                .with_access_token_format(format);
            let node = Node::new(Policy::default()).with_jwts().under(policy);
            node.advance(Duration::from_millis(off));
            let (code, device) = (node.authorize(), node.authorize_device());
            let narrow = approval().with_resources(resources(&[]));
            run(node.service.approve_device(&device.user_code, narrow)).unwrap();
            let (first, lost) = (node.issue(), node.issue());
            node.refresh(lost.refresh()).unwrap();
            node.advance(SECOND * 100 - Duration::from_millis(left));
            let api =
                node.acting_as(client("app").with_grant_types([GrantType::TokenExchange, GrantType::RefreshToken]));
            let exchange = ExchangeRequest::new(&*first.access);
            let exchanged = run(api.service.exchange(&api.client, &exchange)).map(Tokens::from);
            for (what, answer) in [
                ("exchange", exchanged),
                ("refresh", node.refresh(first.refresh())),
                ("replay", node.refresh(lost.refresh())),
                ("replay for another scope", node.refresh_scoped(lost.refresh(), "read")),
                ("redemption", node.redeem(&code)),
                ("device", node.poll(device.device_code.expose())),
            ] {
                let what = format!("{what}, {format:?}, {off} ms past the second, {left} ms left");
                let Ok(tokens) = answer else {
                    let code = refusal(answer).code();
                    assert!([ErrorCode::InvalidGrant, ErrorCode::InvalidRequest].contains(&code), "{what}: {code:?}");
                    // Only where no whole second was left, and for a JWT none up to the last second that it can name.
                    assert!(left < 1000 || (format == AccessTokenFormat::Jwt && left < 2000), "{what}");
                    continue;
                };
                let told = tokens.expires_in.as_secs();
                assert!(told >= 1, "{what}");
                let there = node.clock.clone();
                let now = there.now();
                there.advance(Duration::from_secs(told) - MS);
                assert!(node.is_active(&tokens.access), "{what}: told {told} s");
                there.set(now);
            }
        }
    }
}

#[test]
fn a_jwt_of_a_second_lives_for_a_second() {
    // The end of a JWT is a whole second, so it may live a little longer than the policy says, never shorter.
    let policy = Policy::default().with_access_token_format(AccessTokenFormat::Jwt).with_access_token_lifetime(SECOND);
    let node = Node::new(Policy::default()).with_jwts().under(policy);
    node.advance(MS * 900);
    let tokens = node.issue();
    assert_eq!(tokens.expires_in, MS * 1100);
    assert_eq!(node.introspect(&tokens.access).unwrap().expires_at, Some(START + SECOND * 2));
}

#[test]
fn a_repetition_under_a_grant_lifetime_that_was_shortened_tells_the_truth() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    node.advance(HOUR);
    node.refresh(first.refresh()).unwrap();
    let tightened = node.under(Policy::default().with_grant_lifetime((HOUR + MINUTE).into()));
    let repeated = tightened.refresh(first.refresh()).unwrap();
    assert_eq!(repeated.expires_in, MINUTE);
}

#[test]
fn at_the_end_of_time_nothing_is_issued_that_lives_for_less_than_a_second() {
    let node = Node::new(Policy::default());
    node.clock.set(Timestamp::from_millis(i64::MAX - 500));
    assert_eq!(refusal(node.try_issue(GrantType::Password, approval())), Refusal::GrantExpired);
}
