//! Grants as JSON. No secret and no digest is in it. Times are those of RFC 3339.

use regrant::clock::Timestamp;
use regrant::grant::GrantSummary;
use regrant::{Resource, Subject};
use serde_json::{Map, Value};

/// Returns the members of a grant in a list.
pub(crate) fn summary(grant: &GrantSummary) -> Map<String, Value> {
    let approval = &grant.approval;
    let resources: Vec<Value> = approval.resources.iter().map(Resource::as_str).map(Value::from).collect();
    [
        ("grant_id", Value::from(grant.id.to_string())),
        ("client_id", grant.client_id.as_str().into()),
        ("subject", approval.subject.as_ref().map(Subject::as_str).into()),
        ("grant_type", grant.grant_type.as_str().into()),
        ("scope", approval.scope.as_str().into()),
        ("resources", resources.into()),
        ("created_at", time(grant.created_at).into()),
        ("last_used_at", time(grant.last_used_at).into()),
        ("expires_at", grant.expires_at.map(time).into()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn time(at: Timestamp) -> String {
    at.to_string()
}
