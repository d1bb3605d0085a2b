//! The bytes of a record: a version byte, the fields in order, a CRC-32 over the grant id and the content.
//!
//! ```text
//! version 1 | created_at 8 | content | CRC-32 4
//!
//! content = client id, registration, flow, approval, bound_from, last_used_at, expires_at?, phase, head?,
//!           list of retired tokens, list of access tokens, write_id 4
//! ```
//!
//! The id of the grant is the key of the record and not repeated in it. `created_at` is big-endian.
//!
//! | type | bytes |
//! |---|---|
//! | number, length | LEB128: seven bits a byte, so that a small one has a single byte |
//! | time | the difference to `created_at` in milliseconds, its sign in the lowest bit, as a number |
//! | text, bytes | length, then content |
//! | list | length, then items |
//! | optional (`?`) | flag 0, or flag 1 and the value |
//! | two flags | one byte: 1 if the first value is there, 2 if the second is, 3 if both are |
//! | digest 32, mark 8, salt 16, id 16 | as they are |
//!
//! | part | fields in order |
//! |---|---|
//! | flow | tag of [`FLOWS`]; 0 is followed by the name |
//! | approval, first part | subject?, scope, resources, confirmation, `auth_time?`, acr?, amr, nonce? |
//! | approval, second part | data, `session_id?`, actors, two flags, `may_act`, details |
//! | confirmation | 0; 1 DPoP thumbprint; 2 certificate thumbprint |
//! | phase 0, code | digest, `redirect_uri?`, challenge?, confirmation, `expires_at` |
//! | phase 1, active | (digest, `expires_at`)? of the redeemed code |
//! | phase 2, revoked | at, until, tag of [`REASONS`] |
//! | phase 3, device | digest, `expires_at`, interval in seconds, `polled_at?`, verdict |
//! | verdict | 0 undecided; 1 approved, grant id; 2 denied |
//! | phase 4, pushed request | digest, confirmation, `expires_at`, progress |
//! | progress | 0 pushed, parameters; 1 arrived, parameters; 2 used |
//! | head | root, generation, digest, `issued_at`, `used_at?`, `expires_at?` |
//! | retired token | mark, salt, key id 1, `retired_at`, replays |
//! | access token, first part | serial 4, digest, scope?, resources?, `issued_at`, `expires_at` |
//! | access token, second part | parent?, own confirmation?, two flags, `signing_key`, details |
//!
//! Times are written as differences to the creation, so most take three or four bytes. The checksum separates a damaged
//! record from a fork: without it a flipped bit in a digest would look like theft and end a session.
//!
//! Two flags share a byte because the second one was added: a record without such a value has the bytes that it had
//! before.
//!
//! A released layout stays readable for ever: add a version, never change one. `tests/golden/` holds records of it.

mod reader;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use super::{
    Actor, Approval, Confirmation, Grant, Head, LiveAccessToken, PendingCode, PendingDevice, PendingRequest, Phase,
    Progress, RedeemedCode, Retired, RevocationReason, Verdict,
};
use crate::vocabulary::{
    AuthorizationDetails, ClientId, CodeChallenge, GrantId, GrantType, KeyId, RedirectUri, Registration, Resource,
    Resources, Scope, Subject,
};
use reader::Reader;
use writer::Writer;

/// The version of the layout.
const VERSION: u8 = 1;

/// A record that this release cannot read: damaged, stored under a wrong key, or written by a newer release.
///
/// The service reports it as [`EventKind::RecordCorrupt`](crate::event::EventKind::RecordCorrupt), and the client gets
/// 500, never `invalid_grant`: the session may continue when the record has been restored. The text names the fault and
/// contains no part of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the grant record is unreadable: {0}")]
pub struct CorruptRecord(&'static str);

/// The numbers of the flows in records. Never reuse one: old records would change their flow, and with it their policy.
/// 0 is an extension, which is written by name.
static FLOWS: [(u8, GrantType); 11] = [
    (1, GrantType::AuthorizationCode),
    (2, GrantType::Implicit),
    (3, GrantType::Password),
    (4, GrantType::ClientCredentials),
    (5, GrantType::RefreshToken),
    (6, GrantType::DeviceCode),
    (7, GrantType::JwtBearer),
    (8, GrantType::Saml2Bearer),
    (9, GrantType::TokenExchange),
    (10, GrantType::Ciba),
    (11, GrantType::UmaTicket),
];

/// The numbers of the reasons in records. Never reuse one. An unknown number makes the record unreadable: guessing a
/// reason would falsify the audit trail.
static REASONS: [(u8, RevocationReason); 4] = [
    (1, RevocationReason::ClientRequest),
    (2, RevocationReason::HostRequest),
    (3, RevocationReason::RefreshTokenReuse),
    (4, RevocationReason::CodeReuse),
];

/// The values that a record probably repeats: those of its row in the store, and the scope of its client.
///
/// A field of equal bytes shares the value, since there is nothing to parse or to copy. Any other field is read as if
/// nothing was known, so the record decides and not the row.
#[derive(Clone, Copy, Default)]
pub(crate) struct Known<'a> {
    pub(crate) client_id: Option<&'a ClientId>,
    pub(crate) subject: Option<&'a Subject>,
    pub(crate) scope: Option<&'a Scope>,
}

impl Grant {
    /// Returns the bytes of the record: 200 to 800 as a rule. The host's own [`data`](Approval::data) and the number of
    /// live access tokens add to it; the number of rotations does not.
    ///
    /// Equal grants have equal bytes, so the service recognizes its own write by comparing them.
    #[must_use]
    pub fn encode(&self) -> Arc<[u8]> {
        let mut out = Writer::new(VERSION, self.created_at);
        out.text(self.client_id.as_str());
        out.number(self.registration.0);
        write_flow(&mut out, &self.grant_type);
        write_approval(&mut out, &self.approval);
        out.number(self.bound_from.into());
        out.time(self.last_used_at);
        out.optional(self.expires_at.as_ref(), |out, at| out.time(*at));
        write_phase(&mut out, &self.phase);
        out.optional(self.head.as_ref(), write_head);
        out.list(self.recent.iter(), write_retired);
        let granted = self.approval.confirmation.as_ref();
        out.list(self.access_tokens.iter(), |out, token| write_access_token(out, token, granted));
        out.array(&self.write_id);
        out.seal(self.id.as_bytes())
    }

    /// Reads the record stored under `id`. The checksum covers the id: a record that was copied to another key is
    /// refused.
    ///
    /// # Errors
    /// [`CorruptRecord`] for anything that [`encode`](Self::encode) did not write for this id: another version, a wrong
    /// checksum, a record that is cut short or has bytes after its end, a value that violates its grammar or
    /// is spelled in a second way. Bytes from a store are never trusted, so no input makes this function panic or
    /// allocate more than the input justifies.
    pub fn decode(id: GrantId, bytes: &[u8]) -> Result<Self, CorruptRecord> {
        Self::decode_sharing(id, bytes, Known::default()).map(|grant| *grant)
    }

    /// Reads a record as [`decode`](Self::decode) does, and shares the `known` values that it repeats. Boxed: a grant
    /// is large and passes through several futures.
    ///
    /// # Errors
    /// As for [`decode`](Self::decode).
    pub(crate) fn decode_sharing(id: GrantId, bytes: &[u8], known: Known<'_>) -> Result<Box<Self>, CorruptRecord> {
        let mut from = Reader::open(VERSION, id.as_bytes(), bytes)?;
        let client_id = from.shared(known.client_id, ClientId::as_str, ClientId::new)?;
        let registration = Registration(from.number()?);
        let grant_type = read_flow(&mut from)?;
        let subject = from.optional(|from| from.shared(known.subject, Subject::as_str, Subject::new))?;
        let scope = from.shared(known.scope, Scope::as_str, Scope::sorted)?;
        let approval = Approval::bare(subject, scope);
        // The other fields are read in place. Most are absent, and a large value costs more to move than to read.
        let mut grant = Box::new(Self::bare(id, client_id, registration, grant_type, approval, from.created_at()));
        read_approval(&mut from, &mut grant.approval)?;
        grant.bound_from = from.small()?;
        grant.last_used_at = from.time()?;
        grant.expires_at = from.optional(Reader::time)?;
        grant.phase = read_phase(&mut from)?;
        grant.head = from.optional(read_head)?;
        read_recent(&mut from, &mut grant)?;
        read_access_tokens(&mut from, &mut grant)?;
        grant.write_id = from.array()?;
        from.close().map(|()| grant)
    }
}

/// Writes one byte for a known flow, and the name of an extension grant.
fn write_flow(out: &mut Writer, grant_type: &GrantType) {
    if let Some((tag, _)) = FLOWS.iter().find(|(_, flow)| flow == grant_type) {
        out.byte(*tag);
    } else {
        out.byte(0);
        out.text(grant_type.as_str());
    }
}

/// Reads a flow. An unknown tag is an error: another flow has another policy.
fn read_flow(from: &mut Reader<'_>) -> Result<GrantType, CorruptRecord> {
    match from.byte()? {
        // An extension that has a number by now is read, too.
        0 => from.parsed(str::parse),
        tag => FLOWS.iter().find(|(known, _)| *known == tag).map(|(_, flow)| flow.clone()).ok_or(CorruptRecord("flow")),
    }
}

/// Writes the approval. The actors are a flat list, so that reading one needs no recursion.
fn write_approval(out: &mut Writer, approval: &Approval) {
    out.optional(approval.subject.as_ref(), |out, subject| out.text(subject.as_str()));
    out.text(approval.scope.as_str());
    write_resources(out, &approval.resources);
    write_confirmation(out, approval.confirmation.as_ref());
    out.optional(approval.auth_time.as_ref(), |out, at| out.time(*at));
    out.optional(approval.acr.as_ref(), |out, acr| out.text(acr));
    out.list(approval.amr.iter(), |out, amr| out.text(amr));
    out.optional(approval.nonce.as_ref(), |out, nonce| out.text(nonce));
    out.bytes(&approval.data);
    out.optional(approval.session_id.as_ref(), |out, id| out.text(id));
    let actors: Vec<&Subject> = approval.actor.iter().flat_map(Actor::chain).collect();
    out.list(actors.iter(), |out, actor| out.text(actor.as_str()));
    let may_act = approval.may_act.as_ref();
    out.two(may_act, |out, actor| out.text(actor.as_str()), approval.authorization_details.as_ref(), write_details);
}

/// Reads the approval from its resources on. Each text is parsed again: a record never brings in a value that a request
/// could not.
fn read_approval(from: &mut Reader<'_>, approval: &mut Approval) -> Result<(), CorruptRecord> {
    approval.resources = read_resources(from)?;
    approval.confirmation = read_confirmation(from)?;
    approval.auth_time = from.optional(Reader::time)?;
    approval.acr = from.optional(Reader::string)?;
    approval.amr = from.list(Reader::string)?;
    approval.nonce = from.optional(Reader::string)?;
    approval.data = from.bytes()?.to_vec();
    approval.session_id = from.optional(Reader::string)?;
    approval.actor = read_actors(from)?;
    let (has_may_act, has_details) = from.flags()?;
    approval.may_act = from.present(has_may_act, |from| from.parsed(Subject::new))?;
    approval.authorization_details = from.present(has_details, read_details)?;
    Ok(())
}

#[cold]
fn write_details(out: &mut Writer, details: &AuthorizationDetails) {
    out.text(details.as_str());
}

#[cold]
fn read_details(from: &mut Reader<'_>) -> Result<AuthorizationDetails, CorruptRecord> {
    from.parsed(AuthorizationDetails::stored)
}

/// Reads the actors and nests them again, the first one innermost.
fn read_actors(from: &mut Reader<'_>) -> Result<Option<Actor>, CorruptRecord> {
    let actors: Vec<Subject> = from.list(|from| from.parsed(Subject::new))?;
    Ok(actors.into_iter().rev().fold(None, |former, subject| Some(Actor::new(subject, former))))
}

/// Writes the key of a binding as a tag and a thumbprint.
fn write_confirmation(out: &mut Writer, confirmation: Option<&Confirmation>) {
    match confirmation {
        None => out.byte(0),
        Some(Confirmation::DpopKey(thumbprint)) => {
            out.byte(1);
            out.array(thumbprint);
        }
        Some(Confirmation::Certificate(thumbprint)) => {
            out.byte(2);
            out.array(thumbprint);
        }
    }
}

/// Reads the key of a binding. An unknown tag is an error: read as "no key", it would turn a bound token into a bearer
/// token.
fn read_confirmation(from: &mut Reader<'_>) -> Result<Option<Confirmation>, CorruptRecord> {
    match from.byte()? {
        0 => Ok(None),
        1 => Ok(Some(Confirmation::DpopKey(from.array()?))),
        2 => Ok(Some(Confirmation::Certificate(from.array()?))),
        _ => Err(CorruptRecord("confirmation")),
    }
}

fn write_resources(out: &mut Writer, resources: &Resources) {
    out.list(resources.iter(), |out, resource| out.text(resource.as_str()));
}

fn read_resources(from: &mut Reader<'_>) -> Result<Resources, CorruptRecord> {
    let resources: Vec<Resource> = from.list(|from| from.parsed(Resource::new))?;
    Resources::sorted(resources).ok_or(CorruptRecord("its resources are not sorted"))
}

fn write_phase(out: &mut Writer, phase: &Phase) {
    match phase {
        Phase::AwaitingRedemption(code) => {
            out.byte(0);
            out.array(code.digest.as_bytes());
            out.optional(code.redirect_uri.as_ref(), |out, uri| out.text(uri.as_str()));
            out.optional(code.challenge.as_ref(), |out, challenge| out.array(challenge.0.as_bytes()));
            write_confirmation(out, code.confirmation.as_ref());
            out.time(code.expires_at);
        }
        Phase::Active { redeemed } => {
            out.byte(1);
            out.optional(redeemed.as_ref(), |out, code| {
                out.array(code.digest.as_bytes());
                out.time(code.expires_at);
            });
        }
        Phase::Revoked { at, reason, until } => {
            out.byte(2);
            out.time(*at);
            out.time(*until);
            let tag = REASONS.iter().find(|(_, known)| known == reason).map_or(0, |(tag, _)| *tag);
            out.byte(tag);
        }
        Phase::AwaitingApproval(device) => {
            out.byte(3);
            out.array(device.digest.as_bytes());
            out.time(device.expires_at);
            out.number(device.interval.as_secs());
            out.optional(device.polled_at.as_ref(), |out, at| out.time(*at));
            match &device.verdict {
                Verdict::Undecided => out.byte(0),
                Verdict::Approved(grant_id) => {
                    out.byte(1);
                    out.array(grant_id.as_bytes());
                }
                Verdict::Denied => out.byte(2),
            }
        }
        Phase::AwaitingAuthorization(request) => write_pending_request(out, request),
    }
}

#[cold]
fn write_pending_request(out: &mut Writer, request: &PendingRequest) {
    out.byte(4);
    out.array(request.digest.as_bytes());
    write_confirmation(out, request.confirmation.as_ref());
    out.time(request.expires_at);
    match &request.progress {
        Progress::Pushed(parameters) => {
            out.byte(0);
            out.bytes(parameters);
        }
        Progress::Arrived(parameters) => {
            out.byte(1);
            out.bytes(parameters);
        }
        Progress::Used => out.byte(2),
    }
}

fn read_phase(from: &mut Reader<'_>) -> Result<Phase, CorruptRecord> {
    match from.byte()? {
        0 => Ok(Phase::AwaitingRedemption(Box::new(PendingCode {
            digest: from.digest()?,
            redirect_uri: from.optional(|from| from.parsed(RedirectUri::new))?,
            challenge: from.optional(|from| from.digest().map(CodeChallenge))?,
            confirmation: read_confirmation(from)?,
            expires_at: from.time()?,
        }))),
        1 => Ok(Phase::Active {
            redeemed: from.optional(|from| Ok(RedeemedCode { digest: from.digest()?, expires_at: from.time()? }))?,
        }),
        2 => {
            let (at, until) = (from.time()?, from.time()?);
            let tag = from.byte()?;
            let reason = REASONS.iter().find(|(known, _)| *known == tag).map(|(_, reason)| *reason);
            Ok(Phase::Revoked { at, reason: reason.ok_or(CorruptRecord("reason"))?, until })
        }
        3 => Ok(Phase::AwaitingApproval(Box::new(PendingDevice {
            digest: from.digest()?,
            expires_at: from.time()?,
            interval: Duration::from_secs(from.number()?),
            polled_at: from.optional(Reader::time)?,
            verdict: match from.byte()? {
                0 => Verdict::Undecided,
                1 => Verdict::Approved(GrantId::from_bytes(from.array()?)),
                2 => Verdict::Denied,
                _ => return Err(CorruptRecord("verdict")),
            },
        }))),
        4 => Ok(Phase::AwaitingAuthorization(Box::new(read_pending_request(from)?))),
        _ => Err(CorruptRecord("phase")),
    }
}

#[cold]
fn read_pending_request(from: &mut Reader<'_>) -> Result<PendingRequest, CorruptRecord> {
    Ok(PendingRequest {
        digest: from.digest()?,
        confirmation: read_confirmation(from)?,
        expires_at: from.time()?,
        progress: match from.byte()? {
            0 => Progress::Pushed(from.bytes()?.to_vec()),
            1 => Progress::Arrived(from.bytes()?.to_vec()),
            2 => Progress::Used,
            _ => return Err(CorruptRecord("progress")),
        },
    })
}

/// Writes the current refresh token: about 80 bytes, most of them digests.
fn write_head(out: &mut Writer, head: &Head) {
    out.array(head.root.as_bytes());
    out.number(head.generation.into());
    out.array(head.digest.as_bytes());
    out.time(head.issued_at);
    out.optional(head.used_at.as_ref(), |out, at| out.time(*at));
    out.optional(head.expires_at.as_ref(), |out, at| out.time(*at));
}

fn read_head(from: &mut Reader<'_>) -> Result<Head, CorruptRecord> {
    Ok(Head {
        root: from.digest()?,
        generation: from.small()?,
        digest: from.digest()?,
        issued_at: from.time()?,
        used_at: from.optional(Reader::time)?,
        expires_at: from.optional(Reader::time)?,
    })
}

/// Writes a rotation: about 30 bytes. Mark, salt and key id are all that a replay needs.
fn write_retired(out: &mut Writer, retired: &Retired) {
    out.array(&retired.mark);
    out.array(&retired.salt);
    out.byte(retired.key_id);
    out.time(retired.retired_at);
    out.number(retired.replays.into());
}

fn read_recent(from: &mut Reader<'_>, grant: &mut Grant) -> Result<(), CorruptRecord> {
    for _ in 0..from.number()? {
        grant.recent.push(Retired {
            mark: from.array()?,
            salt: from.array()?,
            key_id: from.byte()?,
            retired_at: from.time()?,
            replays: from.small()?,
        });
    }
    Ok(())
}

/// Writes an access token. Most are bound as their grant is, which costs one byte.
fn write_access_token(out: &mut Writer, token: &LiveAccessToken, granted: Option<&Confirmation>) {
    out.array(&token.serial.to_be_bytes());
    out.array(token.digest.as_bytes());
    out.optional(token.scope.as_ref(), |out, scope| out.text(scope.as_str()));
    out.optional(token.resources.as_ref(), write_resources);
    out.time(token.issued_at);
    out.time(token.expires_at);
    out.optional(token.parent.as_ref(), |out, parent| out.number((*parent).into()));
    let has_own_key = token.confirmation.as_ref() != granted;
    out.byte(has_own_key.into());
    if has_own_key {
        write_confirmation(out, token.confirmation.as_ref());
    }
    let signing_key = token.signing_key.as_ref();
    out.two(signing_key, |out, key| out.text(key.as_str()), token.authorization_details.as_ref(), write_details);
}

/// Reads the access tokens. The key of each is that of the grant unless it has one of its own.
fn read_access_tokens(from: &mut Reader<'_>, grant: &mut Grant) -> Result<(), CorruptRecord> {
    let granted = grant.approval.confirmation;
    for _ in 0..from.number()? {
        let flags;
        grant.access_tokens.push(LiveAccessToken {
            serial: u32::from_be_bytes(from.array()?),
            digest: from.digest()?,
            scope: from.optional(|from| from.parsed(Scope::sorted))?,
            resources: from.optional(read_resources)?,
            issued_at: from.time()?,
            expires_at: from.time()?,
            parent: from.optional(Reader::small)?,
            confirmation: if from.flag()? { read_own_key(from, granted)? } else { granted },
            signing_key: {
                flags = from.flags()?;
                from.present(flags.0, |from| from.parsed(KeyId::new))?
            },
            authorization_details: from.present(flags.1, read_details)?,
        });
    }
    Ok(())
}

/// Reads the key of an access token that differs from that of its grant.
fn read_own_key(from: &mut Reader<'_>, granted: Option<Confirmation>) -> Result<Option<Confirmation>, CorruptRecord> {
    // The writer would have left out an equal one.
    Some(read_confirmation(from)?).filter(|own| *own != granted).ok_or(CorruptRecord("a key stands in it twice"))
}

/// Returns the CRC-32 of `key` and `content`. It recognizes accidents, not attacks: a writer to the database can always
/// put an older record back.
fn checksum(key: &[u8; 16], content: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(content);
    hasher.finalize().to_be_bytes()
}
