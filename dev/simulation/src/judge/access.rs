//! Access tokens: their ends, scope and key, and introspection.

use super::{Judge, Verdict, require, violated};
use crate::call::{Call, Reply, What};
use crate::ledger::{AccessToken, Bound, Token};
use crate::node::{API, CLIENTS};

impl Judge {
    /// Enters an access token, and judges its `expires_in`.
    pub(super) fn access_token(&mut self, chain: usize, call: &Call, reply: &Reply) -> Verdict {
        let Some(token) = reply.text("access_token") else {
            return violated("expires-in", "a token response without an access token");
        };
        let expires_in = reply.body.get("expires_in").and_then(serde_json::Value::as_i64);
        let Some(expires_in) = expires_in.filter(|seconds| *seconds >= 1) else {
            return violated("expires-in", format!("expires_in is {:?}", reply.body.get("expires_in")));
        };
        self.reach_and_binding(chain, call, reply)?;
        let (_, most) = self.bounds.access_lifetime();
        require("expires-in", expires_in * 1000 <= most, "expires_in is longer than the lifetime")?;
        let slack = self.bounds.margin + 1_000;
        if let Some(Token::Access { chain: of, index }) = self.ledger.tokens.get(token).copied() {
            require("fork", of == chain, "an access token of another grant")?;
            let first = &self.ledger.chains[chain].access[index];
            let (known, now) = (first.issued.1 + first.expires_in * 1000, reply.to + expires_in * 1000);
            let duration = reply.to - reply.from;
            return require(
                "expires-in",
                (now - known).abs() <= slack + duration + 4_000 + expires_in.min(2) * 1000,
                &format!("a repeated access token ends {} ms after its first end", now - known),
            );
        }
        let grant = &mut self.ledger.chains[chain];
        grant.access.push(AccessToken {
            token: token.to_owned(),
            issued: (reply.from, reply.to),
            expires_in,
            scope: reply.text("scope").unwrap_or_default().to_owned(),
            key: call.key(),
            is_revoked: None,
            is_maybe_revoked: false,
        });
        let index = grant.access.len() - 1;
        self.ledger.tokens.insert(token.to_owned(), Token::Access { chain, index });
        Ok(())
    }

    /// Judges scope and token type of a response.
    pub(super) fn reach_and_binding(&self, chain: usize, call: &Call, reply: &Reply) -> Verdict {
        let grant = &self.ledger.chains[chain];
        let scope = reply.text("scope").unwrap_or_default();
        let expected = match call.what {
            What::Exchange | What::Poll | What::ClientCredentials => scope,
            What::Refresh if call.is_narrow => "read",
            _ => grant.scope,
        };
        require("scope", scope == expected, &format!("the scope is {scope} and not {expected}"))?;
        // A confidential client may show any key, and its access tokens follow.
        let answered = reply.text("refresh_token").and_then(|token| self.ledger.tokens.get(token));
        let bound = match answered {
            Some(&Token::Refresh { generation, .. }) => grant.generations.get(generation).map(|known| known.bound),
            _ => None,
        };
        let must = call.key().is_some() || matches!(bound, Some(Bound::To(Some(_))));
        let may = must || grant.generations.iter().any(|generation| generation.bound != Bound::To(None));
        let is_bound = match reply.text("token_type") {
            Some("DPoP") => true,
            Some("Bearer") => false,
            other => return violated("binding", format!("the token type is {other:?}")),
        };
        let is_unsure = grant.rollback.is_some() || grant.is_compromised || call.what == What::Exchange;
        let is_right = if is_bound { may } else { !must };
        require("binding", is_unsure || is_right, &format!("an access token is bound: {is_bound}"))
    }

    /// Requires that the presented access token may be active.
    pub(super) fn active_access_token(&self, call: &Call, reply: &Reply) -> Verdict {
        let Some(Token::Access { chain, index }) = self.ledger.tokens.get(&call.token).copied() else {
            return violated("beyond-means", "an access token that was never issued is active");
        };
        let grant = &self.ledger.chains[chain];
        let token = &grant.access[index];
        if self.circumstances.reads_are_stale {
            return Ok(());
        }
        self.not_resurrected(chain, reply.from)?;
        if call.what == What::Introspect {
            let scope = reply.text("scope").unwrap_or_default();
            require("scope", scope == token.scope, &format!("the scope is {scope} and not {}", token.scope))?;
            let is_bound = reply.body.get("cnf").is_some();
            require("binding", is_bound || token.key.is_none(), "a bound access token has no cnf")?;
        }
        require(
            "resurrection",
            token.is_revoked.is_none_or(|at| at >= reply.from),
            "a revoked access token is active",
        )?;
        let end = token.issued.1 + token.expires_in * 1000 + 1_000 + self.bounds.margin;
        require("expired", reply.from <= end, "an expired access token is active")
    }

    pub(super) fn introspected(&mut self, call: &Call, reply: &Reply) -> Verdict {
        if reply.status != 200 {
            return Ok(());
        }
        let may_ask = call.credentials.has_secret && CLIENTS[call.credentials.client].is_confidential;
        require("beyond-means", may_ask || !reply.is_active(), "introspection without a secret")?;
        let token = self.ledger.tokens.get(&call.token).copied();
        let Some(chain) = (match token {
            Some(Token::Access { chain, .. } | Token::Refresh { chain, .. }) => Some(&self.ledger.chains[chain]),
            _ => None,
        }) else {
            let is_taken_over = self.ledger.chains.iter().any(|chain| chain.is_compromised);
            return require("beyond-means", !reply.is_active() || is_taken_over, "an unknown token is active");
        };
        let may_know = call.credentials.client == API || call.credentials.client == chain.client;
        if reply.is_active() {
            require("beyond-means", may_know, "introspection of another client's token")?;
            return match token {
                Some(Token::Refresh { chain, generation }) => self.active_refresh_token(chain, generation, reply),
                _ => self.active_access_token(call, reply),
            };
        }
        let Some(Token::Access { index, .. }) = token else { return Ok(()) };
        let token = &chain.access[index];
        let end = token.issued.0 + token.expires_in * 1000 - 2_000 - self.bounds.margin;
        let may_be_evicted = chain.access.len() + chain.mints - index > self.bounds.live_access_tokens();
        let is_lawful = !may_know
            || self.ledger.sealed_anew.contains(&call.token)
            || chain.maybe_revoked
            || token.is_maybe_revoked
            || chain.rollback.is_some()
            || chain.is_compromised
            || reply.to >= end
            || chain.is_maybe_expired(chain.newest(), reply.to, &self.bounds)
            || may_be_evicted
            || !self.bounds.keeps_access_tokens()
            || self.circumstances.reads_are_stale
            || self.circumstances.is_registration_disturbed
            || self.circumstances.is_gate_disturbed;
        require("inactive", is_lawful, "a live access token is inactive")
    }

    pub(super) fn active_refresh_token(&self, chain: usize, generation: usize, reply: &Reply) -> Verdict {
        let grant = &self.ledger.chains[chain];
        if self.circumstances.reads_are_stale {
            return Ok(());
        }
        self.not_resurrected(chain, reply.from)?;
        let is_former = grant.generations.get(generation + 1).is_some_and(|next| next.issued.1 < reply.from);
        let is_certain = grant.rollback.is_none() && !grant.is_compromised;
        require("spent", !(is_former && is_certain), "a former refresh token is active")
    }
}
