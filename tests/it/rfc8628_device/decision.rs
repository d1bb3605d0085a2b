//! User codes as typed, and the decision of the user.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use regrant::device::UserCode;
use regrant::event::{EventKind, Operation};
use regrant::wire::Endpoint;
use regrant::{Approval, ClientId, Entropy, Refusal, Resource, SystemEntropy};

use crate::rfc8628_device::{DENIED, INVALID_GRANT, PENDING, config, refusal, start, user};
use fixtures::{APP, BILLING, Config, Device, Form, ORDERS, OTHER, Server, USER, ready, resources, scope, subject};

// An audit log shows who asked, who decided, and what was given.
#[tokio::test]
async fn each_step_of_a_device_is_one_event_and_a_look_at_the_page_is_none() {
    let server = start();
    let issued = (Operation::AuthorizeDevice, EventKind::DeviceCodeIssued);
    let decided = |approved| (Operation::DecideDevice, EventKind::DeviceDecided { approved });
    let events = || server.config.events.operations();
    let device = server.device(APP).await;
    assert_eq!(events(), [issued]);
    assert!(server.service().device(&device.user_code).await.unwrap().is_some());
    assert_eq!(events(), []);
    server.approve(&device).await.unwrap();
    assert_eq!(events(), [decided(true)]);
    assert_eq!(server.poll(APP, &device).await.status(), 200);
    assert_eq!(events(), [(Operation::Poll, EventKind::Redeemed)]);
    let device = server.device(APP).await;
    server.service().deny_device(&device.user_code).await.unwrap();
    assert_eq!(events(), [issued, decided(false)]);
}

// RFC 7009 for the host: what was given must be taken back also before the device has it.
#[tokio::test]
async fn what_is_revoked_between_approval_and_poll_is_not_given() {
    let server = start();
    let device = server.device(APP).await;
    server.approve(&device).await.unwrap();
    assert_eq!(server.service().revoke_subject(&subject(USER)).await.unwrap(), 1);
    assert_eq!(server.poll(APP, &device).await.outcome(), INVALID_GRANT, "the user");

    let device = server.device(APP).await;
    server.approve(&device).await.unwrap();
    server.service().revoke_client(&ClientId::new("app").unwrap()).await.unwrap();
    assert_eq!(server.poll(APP, &device).await.outcome(), INVALID_GRANT, "the client");

    let device = server.device(APP).await;
    server.service().revoke_client(&ClientId::new("app").unwrap()).await.unwrap();
    assert_eq!(refusal(server.approve(&device).await), Refusal::UserCodeUnknown, "nobody waits any more");
    assert_eq!(server.poll(APP, &device).await.outcome(), INVALID_GRANT);

    let device = server.device(APP).await;
    let grant_id = server.approve(&device).await.unwrap();
    assert!(server.service().revoke_grant(grant_id).await.unwrap());
    assert_eq!(server.poll(APP, &device).await.outcome(), INVALID_GRANT, "the grant");
}

#[tokio::test]
async fn an_approval_may_not_exceed_what_the_device_asked_for() {
    let server = start();
    let asked: Form<'_> = &[("scope", "read"), ("resource", ORDERS)];
    let reply = server.post(Endpoint::DeviceAuthorization, APP, asked).await;
    let device = Device {
        code: reply.text("device_code").to_owned(),
        user_code: UserCode::parse(reply.text("user_code")).unwrap(),
    };
    let approve = |approval: Approval| server.service().approve_device(&device.user_code, approval);
    let before = server.store().snapshot();
    let more = Approval::of(subject(USER)).with_scope(scope("read write"));
    assert_eq!(refusal(approve(more).await), Refusal::ScopeExceeded);
    let elsewhere = Approval::of(subject(USER)).with_scope(scope("read")).with_resources(resources(&[BILLING]));
    assert_eq!(refusal(approve(elsewhere).await), Refusal::ResourceExceeded);
    assert!(server.store().snapshot() == before);
    // The page of the host may spell it in another way (RFC 3986 section 6.2.2). The record and the token do not.
    let spelled = resources(&["https://API.example/orders"]);
    let approved =
        approve(Approval::of(subject(USER)).with_scope(scope("read")).with_resources(spelled)).await.unwrap();
    let tokens = server.poll(APP, &device).await.tokens();
    let grant = server.service().grant(approved).await.unwrap().unwrap();
    assert!(grant.approval.resources.iter().map(Resource::as_str).eq([ORDERS]));
    assert_eq!(server.introspect(APP, &tokens.access).await.text("aud"), ORDERS);
}

// The record is found by a MAC of the user code, so the key of that MAC must be found too.
#[tokio::test]
async fn a_user_code_is_known_while_the_key_ring_is_rotated() {
    let (old, new) = ((1, *b"a test key of thirty-two bytes.."), (2, *b"another key of thirty-two bytes."));
    let node =
        |server: &Server, keys: &[(u8, [u8; 32])]| server.restarted(|config| Config { keys: keys.to_vec(), ..config });
    let before = start();
    // One node has the new key as primary one already, another not yet.
    let (behind, ahead) = (node(&before, &[old, new]), node(&before, &[new, old]));
    for (drawn_at, decided_at) in [(&before, &behind), (&before, &ahead), (&behind, &ahead), (&ahead, &behind)] {
        let device = drawn_at.device(APP).await;
        assert!(decided_at.service().device(&device.user_code).await.unwrap().is_some());
        decided_at.approve(&device).await.unwrap();
        assert_eq!(drawn_at.poll(APP, &device).await.status(), 200);
    }
    let device = before.device(APP).await;
    let dropped = node(&before, &[new]);
    assert_eq!(refusal(dropped.approve(&device).await), Refusal::UserCodeUnknown, "a key takes its codes along");
    assert_eq!(dropped.poll(APP, &device).await.outcome(), INVALID_GRANT);
}

// Section 6.1: what people make of a code when they read it from a television and type it on a phone.
#[tokio::test]
async fn a_user_code_may_be_typed_in_any_spelling() {
    let server = start();
    let device = server.device(APP).await;
    let shown = device.user_code.expose();
    let letters = shown.replace('-', "");
    for typed in [
        shown.clone(),
        shown.to_lowercase(),
        letters.clone(),
        letters.to_lowercase(),
        format!("  {shown}\t\r\n"),
        shown.replace('-', " "),
        shown.replace('-', "--"),
        // Some phones replace a hyphen.
        shown.replace('-', "\u{2013}"),
        shown.replace('-', "\u{2011}"),
        shown.replace('-', "_"),
        shown.replace('-', "/"),
        letters.split("").collect::<Vec<_>>().join(" "),
        format!("\"{shown}\""),
    ] {
        let parsed = UserCode::parse(&typed).unwrap_or_else(|error| panic!("{typed:?}: {error}"));
        assert_eq!(parsed.expose(), shown, "{typed:?}");
        assert!(server.service().device(&parsed).await.unwrap().is_some(), "{typed:?}");
    }
    for typed in [
        "",
        "-",
        "WDJB-MJH",
        "WDJB-MJHTX",
        "WDJB-MJH0",
        "WDJA-MJHT",
        "WDJB-MJH\u{c4}",
        "\u{ff37}DJB-MJHT",
        "WDJB-MJH\u{212a}",
    ] {
        assert!(UserCode::parse(typed).is_err(), "{typed:?}");
    }
    assert!(UserCode::parse(&"B".repeat(100_000)).is_err());
}

// RFC 8628 section 5.1: guesses are reported, so that the host can limit them.
#[tokio::test]
async fn a_guessed_user_code_is_reported_at_every_endpoint() {
    let server = start();
    server.device(APP).await;
    server.config.events.operations();
    let guess = UserCode::parse("BBBB-BBBB").unwrap();
    let refused = |events: Vec<(_, EventKind)>| {
        events.into_iter().filter(|(_, kind)| *kind == EventKind::Refused(Refusal::UserCodeUnknown)).count()
    };
    assert!(server.service().device(&guess).await.unwrap().is_none());
    assert_eq!(refused(server.config.events.operations()), 1, "looked up");
    assert_eq!(refusal(server.service().approve_device(&guess, user()).await), Refusal::UserCodeUnknown);
    assert_eq!(refused(server.config.events.operations()), 1, "approved");
    assert_eq!(refusal(server.service().deny_device(&guess).await), Refusal::UserCodeUnknown);
    assert_eq!(refused(server.config.events.operations()), 1, "denied");
}

/// Scripted bytes for the first draws of 1 byte, then those of the system. The bytes of a user code are drawn one by
/// one.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<VecDeque<u8>>>);

impl Entropy for Scripted {
    fn fill(&self, bytes: &mut [u8]) {
        SystemEntropy.fill(bytes);
        if let [byte] = bytes {
            *byte = self.0.lock().unwrap().pop_front().unwrap_or(*byte);
        }
    }
}

#[tokio::test]
async fn a_user_code_that_another_device_has_is_drawn_anew() {
    let entropy = Scripted::default();
    let server = Config { entropy: Arc::new(entropy.clone()), ..config() }.start();
    // Above 239 the first letters of the alphabet would come more often.
    entropy.0.lock().unwrap().extend([255, 0, 1, 240, 2, 3, 4, 5, 6, 7]);
    let first = server.device(APP).await;
    assert_eq!(first.user_code.expose(), "BCDF-GHJK");
    entropy.0.lock().unwrap().extend([0, 1, 2, 3, 4, 5, 6, 7].repeat(3));
    let second = server.device(OTHER).await;
    assert_ne!(second.user_code.expose(), "BCDF-GHJK");
    server.approve(&first).await.unwrap();
    assert_eq!(server.poll(APP, &first).await.status(), 200);
    assert_eq!(server.poll(OTHER, &second).await.outcome(), PENDING);

    // A source that only repeats itself: no endless search, and no other's record is touched.
    let before = server.store().snapshot();
    entropy.0.lock().unwrap().extend([0, 1, 2, 3, 4, 5, 6, 7].repeat(8));
    assert_eq!(server.post(Endpoint::DeviceAuthorization, APP, &[]).await.status(), 503);
    assert!(server.store().snapshot() == before);
}

#[tokio::test]
async fn the_first_decision_stands() {
    let server = start();
    let device = server.device(APP).await;
    server.approve(&device).await.unwrap();
    let thief = Approval::of(subject("mallory")).with_scope(scope("read"));
    assert_eq!(refusal(server.service().approve_device(&device.user_code, thief).await), Refusal::UserCodeUnknown);
    assert_eq!(refusal(server.service().deny_device(&device.user_code).await), Refusal::UserCodeUnknown);
    let tokens = server.poll(APP, &device).await.tokens();
    assert_eq!(server.introspect(APP, &tokens.access).await.text("sub"), USER);

    let device = server.device(APP).await;
    server.service().deny_device(&device.user_code).await.unwrap();
    assert_eq!(refusal(server.approve(&device).await), Refusal::UserCodeUnknown);
    assert_eq!(server.poll(APP, &device).await.outcome(), DENIED);
}

#[tokio::test]
async fn of_a_yes_and_a_no_at_the_same_moment_one_is_told_that_it_came_second() {
    let server = Arc::new(start());
    let device = server.device(APP).await;
    let (rival, code) = (Arc::clone(&server), device.user_code.clone());
    // The denial comes between the two writes of the approval: its grant is there, the device is not told of it.
    server.store().before_next_write(move || ready(rival.service().deny_device(&code)).unwrap());
    assert_eq!(refusal(server.approve(&device).await), Refusal::UserCodeUnknown);
    assert_eq!(server.poll(APP, &device).await.outcome(), DENIED);
}
