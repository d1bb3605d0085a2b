//! `demo-server inspect`: what it says is what then happens, and nothing happens by it.

use serde_json::Value;

use crate::operator::{Deployment, RING_KEY, text};

/// A moment long before the commands run: every window that ends has ended.
const LONG_AGO: &str = "2020-01-01T00:00:00Z";

impl Deployment {
    /// The explanation of a token.
    fn inspect(&self, token: &str) -> Value {
        let output = self.operate(&["inspect", "--json"], token);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn a_token_on_the_standard_input_is_explained_and_nothing_changes() {
    let deployment = Deployment::start();
    let tokens = deployment.server.first_tokens();
    let before = deployment.records();

    let explained = deployment.inspect(&format!("{}\n", tokens.text("refresh_token")));
    assert_eq!(explained["kind"], "refresh_token");
    assert_eq!((&explained["generation"], &explained["is_active"]), (&0.into(), &true.into()));
    assert_eq!((&explained["refresh"]["answer"], &explained["refresh"]["generation"]), (&"rotated".into(), &1.into()));
    let grant = &explained["grant"];
    assert_eq!((&grant["client_id"], &grant["subject"]), (&"myClient".into(), &"demo".into()));
    assert_eq!((&grant["phase"], &grant["scope"]), (&"active".into(), &"read write".into()));
    assert_eq!(grant["grant_id"], explained["grant_id"]);
    assert_eq!(grant["head"]["generation"], 0);
    assert_eq!(grant["access_tokens"].as_array().unwrap().len(), 1);
    assert_eq!(grant["record_bytes"], before[0].2.len());
    assert_eq!(grant["has_client"], true);

    assert_eq!(deployment.records(), before, "an explanation writes nothing");
    assert_eq!(deployment.server.refresh(&tokens.text("refresh_token")).status, 200);
}

#[test]
fn an_access_token_of_either_format_is_explained() {
    for policy in ["", "access_token_format = \"jwt\""] {
        let deployment = Deployment::with(RING_KEY, policy);
        let tokens = deployment.server.first_tokens();
        let explained = deployment.inspect(&tokens.text("access_token"));
        assert_eq!((&explained["kind"], &explained["is_active"]), (&"access_token".into(), &true.into()), "{policy}");
        let listed = &explained["grant"]["access_tokens"][0];
        assert_eq!(listed["serial"], explained["serial"]);
        assert_eq!(listed["is_jwt"], !policy.is_empty());
        assert_eq!(explained["refresh"]["refusal"], "token_unrecognized");
    }
}

#[test]
fn the_explanation_of_a_former_token_says_replay_or_reuse_and_does_neither() {
    let deployment = Deployment::start();
    assert_eq!(deployment.server.form("/dev/clock", &[("set", LONG_AGO)]).status, 200);
    let first = deployment.server.first_tokens().text("refresh_token");
    let second = deployment.server.refresh(&first).text("refresh_token");
    let third = deployment.server.refresh(&second).text("refresh_token");
    let before = deployment.records();

    let spent = deployment.inspect(&first);
    let refused = |name: &str| &spent["refresh"][name];
    assert_eq!((refused("error"), refused("refusal")), (&"invalid_grant".into(), &"refresh_token_reused".into()));
    assert_eq!((refused("answer"), refused("revokes")), (&"refused".into(), &true.into()));
    assert_eq!(refused("check")["name"], "generation");
    let former: Vec<&Value> = spent["grant"]["former"].as_array().unwrap().iter().collect();
    assert_eq!((&former[0]["generation"], &former[0]["window"]), (&0.into(), &"catch_up_window".into()));
    assert_eq!(former[0]["answered_until"], "2020-01-01T00:00:10Z");
    assert_eq!((&former[1]["generation"], &former[1]["window"]), (&1.into(), &"grace_period".into()));
    assert_eq!(former[1]["answered_until"], Value::Null);

    let lost = deployment.inspect(&second);
    assert_eq!((&lost["refresh"]["answer"], &lost["refresh"]["steps"]), (&"replayed".into(), &1.into()));
    assert_eq!(deployment.inspect(&third)["refresh"]["answer"], "rotated");
    assert_eq!(deployment.records(), before, "not even reuse is acted upon");
    assert_eq!(deployment.server.refresh(&second).text("refresh_token"), third, "as it was explained");
}

#[test]
fn people_read_the_explanation_as_text() {
    let deployment = Deployment::start();
    assert_eq!(deployment.server.form("/dev/clock", &[("set", LONG_AGO)]).status, 200);
    let first = deployment.server.first_tokens().text("refresh_token");
    let second = deployment.server.refresh(&first).text("refresh_token");
    deployment.server.refresh(&second);

    let output = deployment.operate(&["inspect", &first], "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let shown = text(&output.stdout);
    for line in [
        "refresh token, generation 0; the head is 2",
        "client          myClient",
        "subject         demo",
        "scope           read write",
        "phase           active",
        "last used       2020-01-01T00:00:00Z",
        "generation 0    retired 2020-01-01T00:00:00Z, spent since 2020-01-01T00:00:10Z (catch_up_window)",
        "generation 1    retired 2020-01-01T00:00:00Z, answered until the head is used (grace_period)",
        "generation 2    the head, issued 2020-01-01T00:00:00Z, expires never",
        "refresh now     is refused with invalid_grant: refresh token reused (refresh_token_reused); the grant would \
         be revoked",
        "check           generation (ARCHITECTURE.md#walking-forward)",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "no {line:?} in\n{shown}");
    }
}

#[test]
fn a_text_that_is_no_token_of_the_server_has_a_status_of_its_own() {
    let deployment = Deployment::start();
    let own = deployment.server.first_tokens().text("refresh_token");
    let stranger = Deployment::with("7VTm5yOAsNeXosYX81EqrTjZznvuvuH4W1gGOd1008Y", "");
    for (token, deployment) in [("no-token", &deployment), ("", &deployment), (&*own, &stranger)] {
        let output = deployment.operate(&["inspect", "-"], token);
        assert_eq!((output.status.code(), &*output.stdout), (Some(3), &b""[..]), "{output:?}");
        assert!(text(&output.stderr).contains("no token of this server"));
        assert!(token.is_empty() || !text(&output.stderr).contains(token));
    }
}

#[test]
fn a_grant_that_is_gone_or_revoked_is_explained() {
    let deployment = Deployment::start();
    let token = deployment.server.first_tokens().text("refresh_token");
    assert_eq!(deployment.operate(&["revoke", "--subject", "demo", "--yes"], "").status.code(), Some(0));
    let revoked = deployment.inspect(&token);
    assert_eq!(revoked["refresh"]["refusal"], "grant_revoked");
    assert_eq!(revoked["grant"]["phase"], "revoked");
    assert_eq!(revoked["grant"]["revocation_reason"], "host_request");

    deployment.database().execute("DELETE FROM regrant_grants", []).unwrap();
    let gone = deployment.inspect(&token);
    assert_eq!((&gone["refresh"]["refusal"], &gone["grant"]), (&"grant_unknown".into(), &Value::Null));
}

#[test]
fn a_token_that_a_former_key_sealed_is_explained_as_long_as_the_ring_has_that_key() {
    let mut deployment = Deployment::start();
    let token = deployment.server.first_tokens().text("refresh_token");
    let current = "7VTm5yOAsNeXosYX81EqrTjZznvuvuH4W1gGOd1008Y";
    deployment.set_keys(&[current, RING_KEY]);
    assert_eq!(deployment.inspect(&token)["refresh"]["answer"], "rotated");
    deployment.set_keys(&[current]);
    assert_eq!(deployment.operate(&["inspect"], &token).status.code(), Some(3));
}
