use super::{Known, harmless, host, unsupported};

/// The attributes of a client, except those that [`ClientRegistration`](crate::ClientRegistration) takes.
pub(crate) const CLIENT: &[Known] = &[
    harmless(&["_rev", "location"], "about the export"),
    unsupported(
        &["agentgroup"],
        &[],
        "there are no groups: every client has its own values, with those of its group in them",
    ),
    // Credentials that the authentication method does not use.
    harmless(&["userpassword"], "the client authenticates without a secret"),
    host(&["secretLabelIdentifier"], &[], "the secret is in AM's secret stores: supply it from there"),
    host(&["tlsCaSecretLabelIdentifier"], &[], "the authorities of client certificates are in AM's secret stores"),
    harmless(&["tokenEndpointAuthSigningAlgorithm"], "only for private_key_jwt"),
    harmless(&["publicKeyLocation"], "the authentication method needs no key"),
    host(
        &["clientJwtPublicKey", "jwkSet", "jwksUri"],
        &[],
        "the client's keys, for what the host encrypts and verifies",
    ),
    harmless(
        &["jwkStoreCacheMissCacheTime", "jwksCacheTimeout"],
        "the host decides how long to cache the client's keys",
    ),
    harmless(&["mTLSSubjectDN", "mTLSTrustedCert"], "the authentication method needs no certificate"),
    // Texts shown to users.
    host(&["clientUri", "contacts", "descriptions", "logoUri", "name", "policyUri", "tosURI"], &[], "the consent page"),
    host(&["isConsentImplied"], &["false"], "whether users are asked for consent"),
    host(&["treeName"], &[], "how users sign in for this client"),
    // The authorization endpoint.
    harmless(&["responseTypes"], "code is the response type that grants begin with"),
    host(&["requestUris"], &[], "request objects by reference"),
    host(&["javascriptOrigins"], &[], "from which origins browsers may call: the CORS setting of the HTTP adapter"),
    unsupported(&["mixUpMitigation"], &["false"], "the old draft; the host sends iss with the response (RFC 9207)"),
    host(&["defaultMaxAge", "defaultMaxAgeEnabled"], &["false", "600"], "when users have to sign in again"),
    host(&["defaultAcrValues"], &[], "how users sign in"),
    harmless(
        &[
            "authorizationResponseEncryptionAlgorithm",
            "authorizationResponseEncryptionMethod",
            "authorizationResponseSigningAlgorithm",
            "requestParameterEncryptedAlg",
            "requestParameterEncryptedEncryptionAlgorithm",
            "requestParameterSignedAlg",
        ],
        "about JWTs at the authorization endpoint, which is the host's",
    ),
    // id_tokens, userinfo, logout.
    host(&["claims"], &[], "the claims of this client"),
    host(&["subjectType"], &["public"], "pairwise subjects"),
    host(&["sectorIdentifierUri"], &[], "pairwise subjects"),
    unsupported(&["idTokenEncryptionEnabled"], &["false"], "id_tokens are signed, not encrypted"),
    harmless(
        &["idTokenEncryptionAlgorithm", "idTokenEncryptionMethod", "idTokenPublicEncryptionKey"],
        "id_tokens are signed, not encrypted",
    ),
    harmless(&["idTokenSignedResponseAlg"], "the key that signs id_tokens has the algorithm"),
    harmless(
        &["userinfoEncryptedResponseAlg", "userinfoEncryptedResponseEncryptionAlgorithm", "userinfoSignedResponseAlg"],
        "userinfo is JSON, or a JWT signed like the id_tokens",
    ),
    host(
        &["backchannel_logout_session_required", "backchannel_logout_uri", "clientSessionUri"],
        &["false"],
        "notifying clients that a user has signed out",
    ),
    // Introspection, token exchange, UMA.
    unsupported(
        &["tokenIntrospectionResponseFormat"],
        &["JSON"],
        "the caller asks for the form of the answer with its Accept header (RFC 9701)",
    ),
    harmless(
        &[
            "tokenIntrospectionEncryptedResponseAlg",
            "tokenIntrospectionEncryptedResponseEncryptionAlgorithm",
            "tokenIntrospectionSignedResponseAlg",
        ],
        "introspection answers are JSON, or JWTs signed with the provider's key",
    ),
    unsupported(&["introspectionPolicySets"], &[], "no policy engine at introspection"),
    host(&["tokenExchangeAuthLevel"], &["0"], "the auth level of exchanged tokens"),
    host(&["acceptedJwtIssuers"], &[], "the issuers that the JWT bearer grant accepts"),
    host(
        &["allowedResourceServerAudienceValues"],
        &[],
        "the resources that the client may ask tokens for (Client::resources, RFC 8707)",
    ),
    host(&["claimsRedirectionUris"], &[], "UMA"),
    // The rest.
    host(&["customProperties"], &[], "applications that read them from AM"),
    harmless(&["updateAccessToken"], "for dynamic registration"),
    host(&["softwareIdentity", "softwareVersion"], &[], "software metadata of the client"),
];

/// The tab `OAuth2 Provider Overrides`, which applies if `providerOverridesEnabled` is on.
pub(crate) const OVERRIDES: &[Known] = &[
    unsupported(&["tokenEncryptionEnabled"], &["false"], "JWTs are signed, not encrypted"),
    unsupported(
        &["usePolicyEngineForScope"],
        &["false"],
        "no policy engine: the host decides on the scope when it approves a grant",
    ),
    harmless(&["scopesPolicySet"], "only for usePolicyEngineForScope"),
    unsupported(
        &["accessTokenMayActScript", "oidcMayActScript"],
        &[],
        "no scripts: the host decides who may act for whom in a token exchange",
    ),
    unsupported(
        &[
            "accessTokenModificationPluginType",
            "authorizeEndpointDataProviderPluginType",
            "evaluateScopePluginType",
            "oidcClaimsPluginType",
            "validateScopePluginType",
        ],
        &["PROVIDER"],
        "no scripts and plugins for single clients",
    ),
    harmless(
        &[
            "accessTokenModificationScript",
            "accessTokenModifierClass",
            "authorizeEndpointDataProviderClass",
            "authorizeEndpointDataProviderScript",
            "evaluateScopeClass",
            "evaluateScopeScript",
            "oidcClaimsClass",
            "oidcClaimsScript",
            "validateScopeClass",
            "validateScopeScript",
        ],
        "a plugin; its type has its own attribute",
    ),
    host(&["customLoginUrlTemplate"], &[], "where users sign in"),
    host(
        &["clientsCanSkipConsent", "enableRemoteConsent", "remoteConsentServiceId"],
        &["false"],
        "whether and how users are asked for consent",
    ),
    host(&["overrideableOIDCClaims"], &[], "claims that a request may override"),
    host(
        &["acceptAudienceParametersInTokenExchangeRequests"],
        &["false"],
        "whether a token exchange may name an audience",
    ),
    host(&["useForceAuthnForMaxAge"], &["false"], "signing in again for max_age"),
    host(&["enableApplicationContext"], &["false"], "information about the client for AM's login"),
    host(&["tlsClientCertificateChainValidationEnabled"], &["false"], "the TLS stack checks certificates"),
    unsupported(&["useTokenIntrospectionClaimForJWT"], &["false"], "JWT introspection answers are those of RFC 9701"),
];
