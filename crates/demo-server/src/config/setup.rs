use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, iter};

use regrant::clock::Clock;
use regrant::host::ClaimsTarget;
use regrant::store::SingleUse;
use regrant::wire::{CertificateHeader, Cors};
use regrant::{ClientId, ClientRegistry, Issuer, KeyRing, Policy, Resource};
use regrant_am::Import;
use regrant_jose::bearer::JwtBearerFlow;
use regrant_jose::client_assertion::ClientAssertions;
use regrant_jose::request_object::RequestObjects;
use regrant_jose::{Algorithm, DpopVerifier};
use toml::Spanned;

use super::client::{ClientEntry, Registrar};
use super::error::{ConfigError, Fault};
use super::jose::{self, SigningKeys};
use super::ring::Ring;
use super::{ConfigFile, UserEntry, am};
use crate::paths;
use crate::users::Users;

const DEMO: &str = include_str!("../../demo.toml");

/// The parsed configuration.
pub(crate) struct Setup {
    pub(crate) issuer: Issuer,
    pub(crate) keys: KeyRing,
    pub(crate) ring: Ring,
    pub(crate) policy: Policy,
    pub(crate) default_audience: Option<Resource>,
    pub(crate) clients: ClientRegistry,
    pub(crate) users: Users,
    pub(crate) signing_keys: SigningKeys,
    /// The signing algorithm of each client that has its own.
    pub(crate) algorithms: HashMap<ClientId, Algorithm>,
    /// The meaning of each scope token.
    pub(crate) scopes: BTreeMap<String, String>,
    pub(crate) proof_verifier: DpopVerifier,
    pub(crate) bearer_flow: Option<JwtBearerFlow>,
    /// Present if a client has keys.
    pub(crate) request_objects: Option<RequestObjects>,
    pub(crate) certificate_header: Option<CertificateHeader>,
    pub(crate) cors: Option<Cors>,
}

/// The inputs besides the configuration.
#[derive(Clone)]
pub(crate) struct Environment {
    /// The issuer, unless the file has one.
    pub(crate) url: String,
    pub(crate) clock: Arc<dyn Clock>,
    /// The store of used assertions and proofs.
    pub(crate) used: Arc<dyn SingleUse>,
}

impl Setup {
    /// Reads the configuration at `path`, and the exports of AM if there are any.
    pub(crate) fn read(path: &Path, am_config: &[PathBuf], environment: &Environment) -> Result<Self, ConfigError> {
        let import =
            if am_config.is_empty() { None } else { Some(am::read(am_config, Arc::clone(&environment.clock))?) };
        Self::parse(&path.display().to_string(), &text(path)?, import, environment)
    }

    pub(crate) fn built_in(environment: &Environment) -> Result<Self, ConfigError> {
        Self::parse("demo.toml (built in)", DEMO, None, environment)
    }

    fn parse(file: &str, text: &str, import: Option<Import>, environment: &Environment) -> Result<Self, ConfigError> {
        let config = toml::from_str(text).map_err(Fault::from);
        config.and_then(|config| Self::of(config, import, environment)).map_err(|fault| fault.in_file(file, text))
    }

    fn of(file: ConfigFile, import: Option<Import>, environment: &Environment) -> Result<Self, Fault> {
        let issuer = match file.issuer {
            Some(text) => issuer(&text)?,
            None => Issuer::new(&environment.url).map_err(|error| Fault::of_all(error, "issuer"))?,
        };
        let policy = match (file.provider, &import) {
            (Some(policy), Some(_)) => return Err(Fault::at(&policy, "provider", "--am-config has the provider")),
            (Some(policy), None) => {
                policy.get_ref().validate().map_err(|error| Fault::at(&policy, "provider", error))?;
                policy.into_inner()
            }
            (None, Some(import)) => import.provider.policy.clone(),
            (None, None) => Policy::default(),
        };
        let imported = import.iter().flat_map(am::policies);
        let own = file.clients.iter().flat_map(|client| client.policies(&policy));
        let longest = jose::longest(iter::once(policy.clone()).chain(own).chain(imported));
        let signing_keys = SigningKeys::of(&file.jwt, longest)?;
        let algorithms: Result<HashMap<_, _>, Fault> =
            file.clients.iter().filter_map(|client| client.algorithm(&signing_keys)).collect();
        file.clients.iter().try_for_each(|client| client.check_userinfo_algorithm(&signing_keys))?;
        let request_keys: Result<HashMap<_, _>, Fault> = file.clients.iter().filter_map(ClientEntry::keys).collect();
        let assertions = ClientAssertions::new(issuer.clone(), environment.clock.clone(), environment.used.clone())
            .with_audiences(paths::audiences(&issuer));
        let registrar = Registrar { provider: &policy, assertions, clock: environment.clock.clone() };
        let register = |registry, client: ClientEntry| client.register(registry, &registrar);
        let clients = file.clients.into_iter().try_fold(ClientRegistry::new(), register)?;
        let clients = am::register(clients, import, file.am_secrets, &registrar)?;
        let ring = Ring::of(&file.keys)?;
        let keys = ring.keys().map_err(|error| Fault::of_all(error, "keys"))?;
        Ok(Self {
            clients,
            users: users(&file.users)?,
            signing_keys,
            algorithms: algorithms?,
            scopes: scopes(file.scopes),
            proof_verifier: jose::proof_verifier(&file.dpop, &keys, environment),
            bearer_flow: jose::bearer_flow(file.trusted_issuers, &issuer, environment)?,
            request_objects: Some(request_keys?)
                .filter(|keys| !keys.is_empty())
                .map(|keys| RequestObjects::new(issuer.clone(), environment.clock.clone(), keys)),
            keys,
            ring,
            certificate_header: file.certificate_header.map(certificate_header),
            cors: file.cors.map(|origins| cors(&origins, &file.cors_headers)).transpose()?,
            default_audience: file.default_audience,
            issuer,
            policy,
        })
    }
}

/// Reads a file of the configuration.
pub(super) fn text(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|error| ConfigError::unreadable(&path.display().to_string(), &error))
}

fn certificate_header(name: String) -> CertificateHeader {
    if name.eq_ignore_ascii_case("x-forwarded-client-cert") {
        CertificateHeader::x_forwarded_client_cert()
    } else {
        CertificateHeader::named(name)
    }
}

fn cors(origins: &[Spanned<String>], headers: &[Spanned<String>]) -> Result<Cors, Fault> {
    // One at a time, for the line of the error.
    for origin in origins.iter().filter(|origin| origin.get_ref() != "*") {
        Cors::origins([origin.get_ref()]).map_err(|error| Fault::at(origin, "cors", error))?;
    }
    let texts = origins.iter().map(Spanned::get_ref);
    let is_any = texts.clone().any(|origin| origin == "*");
    let cors = if is_any { Ok(Cors::any_origin()) } else { Cors::origins(texts) };
    let cors = cors.map_err(|error| Fault::of_all(error, "cors"))?;
    headers.iter().try_fold(cors, |cors, name| {
        cors.with_headers([name.get_ref()]).map_err(|error| Fault::at(name, "cors_headers", error))
    })
}

fn issuer(issuer: &Spanned<String>) -> Result<Issuer, Fault> {
    Issuer::new(issuer.get_ref()).map_err(|error| Fault::at(issuer, "issuer", error))
}

/// The words for each scope token: those of the file, and those of OpenID Connect Core sections 5.4 and 11.
fn scopes(configured: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let known = [
        ("openid", "Know who you are"),
        ("profile", "See your name and your profile"),
        ("email", "See your email address"),
        ("address", "See your postal address"),
        ("phone", "See your phone number"),
        ("offline_access", "Keep this access while you are away"),
    ];
    let known = known.map(|(token, words)| (token.to_owned(), words.to_owned()));
    known.into_iter().chain(configured).collect()
}

fn users(entries: &[UserEntry]) -> Result<Users, Fault> {
    let users = Users::default();
    for UserEntry { username, password, disabled, claims } in entries {
        if password.get_ref().is_empty() {
            return Err(Fault::at(password, "users.password", "must not be empty"));
        }
        let own = claims.as_ref().map(Spanned::get_ref).cloned().unwrap_or_default();
        if let Some(claims) = claims.as_ref().filter(|_| own.keys().any(|name| ClaimsTarget::UserInfo.reserves(name))) {
            return Err(Fault::at(claims, "users.claims", "a claim of the protocol, such as sub, cannot be set"));
        }
        if !users.add(username.get_ref().clone(), password.get_ref(), *disabled, own) {
            return Err(Fault::at(username, "users.username", "there is a user of this name already"));
        }
    }
    Ok(users)
}
