//! The subjects: regrant, its peers, and the least work.

mod floor;
mod oauth_as;
mod oxide_auth;
mod regrant;

use crate::{Caller, Work};

/// A library with grants in memory.
///
/// Every method has the places of the grants, or the slot of one of those that were prepared last.
pub trait Subject {
    /// The name under which the subject does this work; `None` when it has no such call.
    fn name(&self, work: Work) -> Option<&'static str>;

    /// Makes everything ready for `rounds` calls for each of these grants. Not measured.
    fn prepare(&mut self, work: Work, places: &[usize], rounds: usize);

    /// Does the work once. Panics when the answer is not the expected one.
    fn call(&mut self, work: Work, slot: usize);

    /// Keeps the tokens that the calls brought, and creates grants for those that ended. Not measured.
    fn finish(&mut self, work: Work, places: &[usize]);

    /// Deletes records that are no longer needed. Not measured.
    fn sweep(&mut self) {}

    /// Bytes of the client's side.
    fn client_bytes(&self) -> usize;
}

/// Creates a subject with this number of grants of one client.
pub type Create = fn(usize, Caller) -> Box<dyn Subject>;

/// All subjects, in the order of a turn.
pub const SUBJECTS: [(&str, Create); 5] = [
    ("floor", |grants, _| Box::new(floor::Floor::new(grants))),
    ("regrant", |grants, caller| Box::new(regrant::Regrant::new(grants, caller))),
    ("oxide-auth", |grants, _| Box::new(oxide_auth::OxideAuth::new(grants))),
    ("oauth-as", |grants, caller| Box::new(oauth_as::OauthAs::new(grants, caller, oauth_as::Mode::Default))),
    ("oauth-as-retry", |grants, caller| Box::new(oauth_as::OauthAs::new(grants, caller, oauth_as::Mode::Retry))),
];
