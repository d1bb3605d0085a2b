//! Owners: the clients of two users. They lose responses, retry late, race with themselves, sleep, log out with old
//! tokens and sign in again.
//!
//! An owner keeps the newest refresh token that arrived, and drops its session on `invalid_grant`, as real clients do.

use crate::call::{Call, Credentials, Party, Reply, What};
use crate::dice::Dice;
use crate::judge::Violation;
use crate::ledger::{Ledger, Token};
use crate::life::Life;
use crate::node::{API, APP, MOBILE};
use crate::world::NODES;

pub(crate) struct Owner {
    pub(crate) client: usize,
    /// The key that the client shows. A public client may begin to show one at any time.
    pub(crate) key: Option<char>,
    pub(crate) refresh: Option<String>,
    former: Vec<String>,
    access: Vec<String>,
    code: Option<String>,
    /// The reference to a pushed request.
    request: Option<String>,
    device: Option<(String, String)>,
}

impl Owner {
    pub(crate) fn new(client: usize) -> Self {
        let (former, access) = (Vec::new(), Vec::new());
        Self { client, key: None, refresh: None, former, access, code: None, request: None, device: None }
    }

    pub(crate) fn receive(&mut self, call: &Call, reply: &Reply, ledger: &Ledger) {
        let text = |name: &str| reply.text(name).map(str::to_owned);
        match (call.what, reply.status) {
            (What::Push, 201) => self.request = text("request_uri"),
            (What::Visit | What::Approve, 400) => self.request = None,
            (What::Authorize | What::Approve, 200) => {
                self.request = None;
                self.code = text("code");
            }
            (What::AuthorizeDevice, 200) => self.device = text("device_code").zip(text("user_code")),
            (What::Redeem | What::Password | What::Poll, 200) => {
                self.code = None;
                self.device = None;
                self.former.extend(self.refresh.take());
                self.refresh = text("refresh_token");
                self.access.extend(text("access_token"));
            }
            (What::Refresh, 200) => {
                self.access.extend(text("access_token"));
                if let Some(token) = text("refresh_token").filter(|token| self.is_newer(token, ledger)) {
                    self.former.extend(self.refresh.replace(token));
                }
            }
            (What::Refresh, 400) if reply.text("error") == Some("invalid_grant") => {
                self.former.extend(self.refresh.take_if(|token| *token == call.token));
            }
            (What::Redeem, 400) => self.code = None,
            (What::Poll, 400) if reply.text("error") != Some("authorization_pending") => {
                self.device.take_if(|_| reply.text("error") != Some("slow_down"));
            }
            _ => {}
        }
    }

    fn is_newer(&self, token: &str, ledger: &Ledger) -> bool {
        let place = |token: &str| match ledger.tokens.get(token) {
            Some(Token::Refresh { chain, generation }) => Some((*chain, *generation)),
            _ => None,
        };
        match (self.refresh.as_deref().and_then(place), place(token)) {
            (Some((own, before)), Some((chain, generation))) => own == chain && generation > before,
            _ => false,
        }
    }
}

impl Life {
    pub(crate) fn owner_acts(&mut self, number: usize, dice: &mut Dice) -> Result<(), Violation> {
        let owner = &self.owners[number];
        if owner.client == MOBILE && owner.key.is_none() && dice.chance(60) {
            self.owners[number].key = Some(if number == 0 { 'k' } else { 'm' });
        }
        let owner = &self.owners[number];
        let Some(refresh) = owner.refresh.clone() else { return self.sign_in(number, dice) };
        let former = dice.pick(&owner.former).cloned();
        let access = owner.access.last().cloned();
        let any_access = dice.pick(&owner.access).cloned();
        match dice.below(100) {
            0 if dice.chance(20) => self.refresh_in_a_loop(number, dice),
            0..=54 => {
                let mut call = self.call_of(number, What::Refresh, refresh, dice);
                call.is_lost = dice.chance(20);
                call.is_narrow = dice.chance(10);
                if dice.chance(20) {
                    // A second tab, or a client that repeats at once.
                    let mut second = call.clone();
                    second.node = dice.below(NODES);
                    second.is_lost = dice.chance(30);
                    second.proof = second.key().map(|key| self.new_proof(key));
                    self.send(second, dice)?;
                }
                self.send(call, dice)
            }
            55..=60 => self.send_of(number, What::Refresh, former, dice),
            61..=76 => {
                let mut call = self.call_of(number, What::Introspect, any_access.unwrap_or(refresh), dice);
                call.credentials = Credentials { client: API, has_secret: true };
                call.proof = None;
                self.send(call, dice)
            }
            77..=80 => self.send_of(number, What::Revoke, any_access, dice),
            81..=83 => self.send_of(number, What::Revoke, Some(refresh), dice),
            84..=85 => self.send_of(number, What::Revoke, former, dice),
            86..=90 => self.send_of(number, What::Exchange, access, dice),
            91 => self.send_of(number, What::RevokeSubject, Some(String::new()), dice),
            92..=93 => self.send_of(number, What::ClientCredentials, Some(String::new()), dice),
            _ => self.sign_in(number, dice),
        }
    }

    /// A client with a fault in its program, or a busy one: more refreshes than a record remembers, and more access
    /// tokens than a grant may have.
    fn refresh_in_a_loop(&mut self, number: usize, dice: &mut Dice) -> Result<(), Violation> {
        for _ in 0..40 {
            self.owner_comes_back(number, dice)?;
        }
        Ok(())
    }

    /// The owner presents its newest token, at the end of a life.
    pub(crate) fn owner_comes_back(&mut self, number: usize, dice: &mut Dice) -> Result<(), Violation> {
        let refresh = self.owners[number].refresh.clone();
        self.send_of(number, What::Refresh, refresh, dice)?;
        self.pass(3_000)
    }

    fn sign_in(&mut self, number: usize, dice: &mut Dice) -> Result<(), Violation> {
        let owner = &self.owners[number];
        let (code, device, request) = (owner.code.clone(), owner.device.clone(), owner.request.clone());
        if let Some(code) = code {
            return self.send_of(number, What::Redeem, Some(code), dice);
        }
        if let Some((device_code, user_code)) = device {
            let what = if dice.chance(50) { What::ApproveDevice } else { What::Poll };
            let token = if what == What::Poll { device_code } else { user_code };
            return self.send_of(number, what, Some(token), dice);
        }
        if request.is_some() {
            // The page may be loaded again before the user decides.
            let what = if dice.chance(25) { What::Visit } else { What::Approve };
            return self.send_of(number, what, request, dice);
        }
        let what = match dice.below(4) {
            0 if number == 0 => What::Password,
            1 => What::AuthorizeDevice,
            _ if self.plan.pushes => What::Push,
            _ => What::Authorize,
        };
        self.send_of(number, what, Some(String::new()), dice)
    }

    fn send_of(&mut self, number: usize, what: What, token: Option<String>, dice: &mut Dice) -> Result<(), Violation> {
        let Some(token) = token else { return Ok(()) };
        let call = self.call_of(number, what, token, dice);
        self.send(call, dice)
    }

    fn call_of(&mut self, number: usize, what: What, token: String, dice: &mut Dice) -> Call {
        let Owner { client, key, .. } = self.owners[number];
        let has_proof =
            matches!(what, What::Refresh | What::Redeem | What::Password | What::Poll | What::Exchange | What::Push);
        let proof = key.filter(|_| has_proof).map(|key| self.new_proof(key));
        Call {
            by: Party::Owner(number),
            node: dice.below(NODES),
            what,
            credentials: Credentials { client, has_secret: client == APP },
            token,
            proof,
            has_verifier: true,
            is_narrow: false,
            is_lost: matches!(what, What::Redeem | What::Poll | What::Password) && dice.chance(5)
                || what == What::Approve && dice.chance(20),
            owner: number,
        }
    }
}
