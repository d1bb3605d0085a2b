//! Thieves. Each has declared means and acts by search: it draws an attack from everything that it holds, or draws a
//! few, tries them on a copy of the system, and carries out the one that gets furthest.

use std::sync::Arc;

use fixtures::forge::{self, Content};
use regrant::event::EventKind;
use regrant::{GrantId, Refusal};
use sha2::{Digest as _, Sha256};

use crate::call::{Call, Credentials, Party, What};
use crate::dice::Dice;
use crate::judge::Violation;
use crate::ledger::{Bound, Token};
use crate::life::Life;
use crate::node::{CLIENTS, EVIL, KEYS, THIEVES};
use crate::world::NODES;

/// The means of a thief, besides what it steals one by one and a key of its own.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "means that do not exclude each other")]
pub(crate) struct Means {
    /// All keys of the ring.
    pub(crate) ring: bool,
    /// Copies of the whole database, at any time.
    pub(crate) dump: bool,
    /// The secret of the confidential client.
    pub(crate) secret: bool,
    /// A place in the network: requests of others can be sent again.
    pub(crate) network: bool,
}

pub(crate) struct Thief {
    pub(crate) means: Means,
    held: Vec<String>,
    dump: Vec<(GrantId, Arc<[u8]>)>,
    captured: Vec<Call>,
}

/// The key of every thief.
const OWN_KEY: char = 't';

impl Thief {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let means =
            Means { ring: dice.chance(30), dump: dice.chance(40), secret: dice.chance(40), network: dice.chance(30) };
        Self { means, held: Vec::new(), dump: Vec::new(), captured: Vec::new() }
    }
}

impl Life {
    pub(crate) fn thief_acts(&mut self, number: usize, dice: &mut Dice) -> Result<(), Violation> {
        match dice.below(100) {
            0..=24 => {
                self.steal(number, dice);
                Ok(())
            }
            25..=29 if self.thieves[number].means.dump => {
                let records = self.world.state().records.clone();
                self.thieves[number].dump =
                    records.into_iter().map(|(id, stored)| (id, stored.record.payload)).collect();
                self.say(|_| format!("thief {number} copies the database"));
                Ok(())
            }
            30..=36 if self.thieves[number].means.network => self.repeat(number, dice),
            _ => self.attack(number, dice),
        }
    }

    fn steal(&mut self, number: usize, dice: &mut Dice) {
        if self.thieves[number].means.network && dice.chance(50) {
            let calls = self.sent_by_owners();
            let captured = dice.pick(&calls).cloned();
            self.thieves[number].captured.extend(captured);
            return;
        }
        if dice.chance(15) {
            let pushed = self.judge.ledger.tokens.iter().filter(|(_, token)| matches!(token, Token::Request { .. }));
            let mut references: Vec<String> = pushed.map(|(reference, _)| reference.clone()).collect();
            references.sort_unstable();
            if let Some(stolen) = dice.pick(&references).cloned() {
                self.say(|life| format!("thief {number} steals {}", life.judge.ledger.name(&stolen)));
                return self.hold(number, stolen);
            }
        }
        let chains = &self.judge.ledger.chains;
        if chains.is_empty() {
            return;
        }
        let chain = dice.below(chains.len());
        let generations = &chains[chain].generations;
        let stolen = match dice.below(10) {
            0..=3 => generations.last().map(|generation| generation.token.clone()),
            4..=6 => dice.pick(generations).map(|generation| generation.token.clone()),
            7..=8 => dice.pick(&chains[chain].access).map(|access| access.token.clone()),
            _ => chains[chain].code.clone(),
        };
        let Some(stolen) = stolen.filter(|token| !token.is_empty()) else { return };
        self.say(|life| format!("thief {number} steals {}", life.judge.ledger.name(&stolen)));
        self.hold(number, stolen);
    }

    /// Adds a token to the loot. With a key of the ring, a refresh token gives its whole grant away (SECURITY.md, the
    /// key ring).
    pub(crate) fn hold(&mut self, number: usize, token: String) {
        if let Some(Token::Refresh { chain, .. }) = self.judge.ledger.tokens.get(&token).copied()
            && self.thieves[number].means.ring
        {
            self.judge.ledger.chains[chain].is_compromised = true;
        }
        self.thieves[number].held.push(token);
    }

    fn repeat(&mut self, number: usize, dice: &mut Dice) -> Result<(), Violation> {
        let Some(mut call) = dice.pick(&self.thieves[number].captured).cloned() else { return Ok(()) };
        call.by = Party::Thief(number);
        call.node = dice.below(NODES);
        call.is_lost = true;
        self.judge.ledger.repeated_proofs.extend(call.proof.map(|(_, number)| number));
        self.send(call, dice)
    }

    fn attack(&mut self, number: usize, dice: &mut Dice) -> Result<(), Violation> {
        let tries = if dice.chance(40) { 3 } else { 1 };
        let attacks: Vec<Call> = (0..tries).filter_map(|_| self.draw_attack(number, dice)).collect();
        let best = if attacks.len() > 1 {
            attacks.into_iter().max_by_key(|attack| self.promise_of(attack))
        } else {
            attacks.into_iter().next()
        };
        let Some(mut attack) = best else { return Ok(()) };
        attack.proof = attack.key().map(|key| self.new_proof(key));
        self.judge.ledger.enter_sealed_anew(&attack.token);
        let is_forged = !self.judge.ledger.tokens.contains_key(&attack.token);
        if is_forged {
            self.say(|_| format!("thief {number} seals a token of its own"));
        }
        self.send(attack, dice)
    }

    fn draw_attack(&self, number: usize, dice: &mut Dice) -> Option<Call> {
        let thief = &self.thieves[number];
        let token = if thief.means.ring && dice.chance(50) {
            self.forge(number, dice)?
        } else {
            dice.pick(&thief.held)?.clone()
        };
        let what = match (dice.below(10), self.judge.ledger.tokens.get(&token)) {
            (0..=6, Some(Token::Refresh { .. })) => What::Refresh,
            (0..=6, Some(Token::Code { .. })) => What::Redeem,
            (0..=6, Some(Token::Request { .. })) => *dice.pick(&[What::Visit, What::Approve, What::Approve])?,
            (0..=6, None) if token.starts_with("urn:") => What::Approve,
            (0..=6, None) if token.starts_with("rt_") => What::Refresh,
            (0..=6, None) if token.starts_with("at_") => *dice.pick(&[What::Introspect, What::Exchange])?,
            _ => *dice.pick(&What::ALL)?,
        };
        let ledger = &self.judge.ledger;
        let victim = match ledger.tokens.get(&token) {
            Some(Token::Refresh { chain, .. } | Token::Access { chain, .. } | Token::Code { chain }) => {
                ledger.chains[*chain].client
            }
            Some(Token::Request { index }) => ledger.pushed[*index].client,
            _ => self.owners[dice.below(self.owners.len())].client,
        };
        let credentials = if dice.chance(80) {
            Credentials { client: victim, has_secret: thief.means.secret }
        } else {
            Credentials { client: EVIL, has_secret: true }
        };
        Some(Call {
            by: Party::Thief(number),
            node: dice.below(NODES),
            what,
            credentials,
            token,
            proof: dice.chance(35).then_some((OWN_KEY, 0)),
            has_verifier: dice.chance(10),
            is_narrow: dice.chance(10),
            is_lost: false,
            owner: THIEVES,
        })
    }

    /// Seals a token from whatever the thief knows: ids and secrets out of tokens, ids and salts out of the database.
    fn forge(&self, number: usize, dice: &mut Dice) -> Option<String> {
        let thief = &self.thieves[number];
        let ledger = &self.judge.ledger;
        let known = dice.pick(&thief.held).and_then(|token| {
            let kind = match token.get(..2)? {
                "rt" => forge::REFRESH,
                "at" => forge::ACCESS,
                "ur" => forge::REQUEST_URI,
                _ => forge::CODE,
            };
            ledger.open(kind, token).map(|content| (kind, content))
        });
        let dumped = dice.pick(&thief.dump);
        let (base_kind, base) = match (known, dumped) {
            (Some((kind, content)), _) if dice.chance(70) => (kind, content),
            (_, Some((id, _))) => {
                let grant_id = *id.as_bytes();
                (forge::REFRESH, Content { grant_id, number: 0, secret: dice.bytes(), lineage: None })
            }
            (Some(known), None) => known,
            (None, None) => return None,
        };
        let index = dice.below(KEYS.len());
        let forger = ledger.forger(index)?;
        let mut content = base.clone();
        content.number = match dice.below(9) {
            0 => 0,
            1 | 6..=8 => base.number,
            2 => base.number.saturating_add(1),
            3 => base.number.saturating_sub(1),
            4 => u32::try_from(dice.below(20)).unwrap_or_default(),
            _ => u32::MAX - u32::try_from(dice.below(2)).unwrap_or_default(),
        };
        let payload = thief.dump.iter().find(|(id, _)| *id.as_bytes() == base.grant_id).map(|(_, payload)| payload);
        match (dice.below(8), payload) {
            (0, Some(payload)) => {
                if let Some(secret) = derived(payload, &base, |parent, salt, next| forger.successor(parent, salt, next))
                {
                    content.secret = secret;
                    content.number = base.number.saturating_add(1);
                }
            }
            (1..=3, _) => content.secret = dice.bytes(),
            _ => {}
        }
        let other = *dice.pick(&[forge::REFRESH, forge::REFRESH, forge::REFRESH, forge::ACCESS, forge::CODE])?;
        let is_kept = matches!(base_kind, forge::ACCESS | forge::REQUEST_URI) && dice.chance(50);
        let kind = if is_kept { base_kind } else { other };
        content.lineage = (kind == forge::REFRESH).then(|| match base.lineage {
            Some((root, _)) if dice.chance(30) => (root, [0; 11]),
            Some(lineage) if dice.chance(70) => lineage,
            _ => (dice.bytes(), [0; 11]),
        });
        Some(forger.seal(kind, &content))
    }

    /// Returns how far an attack would get.
    fn promise_of(&self, attack: &Call) -> u32 {
        let (reply, note) = self.try_out(attack);
        if reply.status == 200 {
            return if reply.body.get("active") == Some(&serde_json::Value::Bool(false)) { 1 } else { 100 };
        }
        note.events.iter().map(|(_, kind)| depth(*kind)).max().unwrap_or(0)
    }

    /// The thief presents the newest refresh token that it got in each chain, at the end of a life.
    pub(crate) fn thief_comes_back(&mut self, number: usize, dice: &mut Dice) -> Result<(), Violation> {
        for chain in 0..self.judge.ledger.chains.len() {
            let Some(token) = self.latest_of(number, chain) else { continue };
            let client = self.judge.ledger.chains[chain].client;
            let has_secret = self.thieves[number].means.secret;
            let call = Call {
                by: Party::Thief(number),
                node: dice.below(NODES),
                what: What::Refresh,
                credentials: Credentials { client, has_secret },
                token,
                proof: None,
                has_verifier: false,
                is_narrow: false,
                is_lost: false,
                owner: 0,
            };
            self.send(call, dice)?;
            self.pass(3_000)?;
        }
        Ok(())
    }

    fn latest_of(&self, number: usize, chain: usize) -> Option<String> {
        let held = self.thieves[number].held.iter();
        let own = held.filter_map(|token| match self.judge.ledger.tokens.get(token) {
            Some(Token::Refresh { chain: of, generation }) if *of == chain => Some((*generation, token)),
            _ => None,
        });
        own.max_by_key(|(generation, _)| *generation).map(|(_, token)| token.clone())
    }

    /// Judges the end: a grant that an owner and a thief both used in the last round is revoked.
    pub(crate) fn every_shared_chain_is_detected(&self) -> Result<(), Violation> {
        let bounds = &self.judge.bounds;
        let circumstances = &self.judge.circumstances;
        if !bounds.revokes_on_reuse()
            || !bounds.always_rotates()
            || circumstances.reads_are_stale
            || circumstances.is_gate_disturbed
            || circumstances.is_registration_disturbed
        {
            return Ok(());
        }
        for owner in &self.owners {
            let place = owner.refresh.as_deref().and_then(|token| self.judge.ledger.tokens.get(token));
            let Some(&Token::Refresh { chain, .. }) = place else { continue };
            let grant = &self.judge.ledger.chains[chain];
            let may_present = |thief: &Thief| thief.means.secret || !CLIENTS[grant.client].is_confidential;
            let is_shared = (0..self.thieves.len())
                .any(|thief| may_present(&self.thieves[thief]) && self.latest_of(thief, chain).is_some());
            let is_bearer = grant.generations.iter().all(|generation| generation.bound == Bound::To(None));
            let is_certain = grant.rollback.is_none() && !grant.is_compromised && is_bearer;
            if is_shared
                && is_certain
                && grant.revoked.is_none()
                && !grant.is_maybe_expired(grant.newest(), self.now(), bounds)
            {
                let text = format!("an owner and a thief both went on in chain {chain}, and the grant lives");
                return Err(Violation { check: "undetected", text });
            }
        }
        Ok(())
    }
}

/// Finds the secret of the current token in the database: from a former one and any 16 bytes of the record as salt.
fn derived(payload: &[u8], base: &Content, successor: impl Fn(&[u8], &[u8], u32) -> [u8; 32]) -> Option<[u8; 32]> {
    payload.windows(16).find_map(|salt| {
        let secret = successor(&base.secret, salt, base.number.saturating_add(1));
        let digest = Sha256::digest(secret);
        payload.windows(32).any(|bytes| bytes == digest.as_slice()).then_some(secret)
    })
}

/// The depth of a refusal in the order of checks (ARCHITECTURE.md).
const fn depth(kind: EventKind) -> u32 {
    match kind {
        EventKind::Refused(refusal) => match refusal {
            Refusal::ClientAuthenticationFailed(_) | Refusal::GrantTypeNotAllowed => 1,
            Refusal::TokenUnrecognized => 2,
            Refusal::GrantUnknown | Refusal::OtherClient | Refusal::OtherRegistration => 3,
            Refusal::RootMismatch => 4,
            Refusal::ProofOfPossessionFailed | Refusal::ProofMissing => 5,
            Refusal::GrantRevoked | Refusal::GrantExpired | Refusal::SubjectNotServed => 6,
            _ => 7,
        },
        EventKind::Contended | EventKind::Unavailable => 8,
        _ => 0,
    }
}
