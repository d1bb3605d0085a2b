use super::{Known, harmless, host, unsupported};

/// The attributes of the provider, except those that [`Provider`](crate::Provider) takes.
pub(crate) const PROVIDER: &[Known] = &[
    harmless(&["_rev", "location", "nextDescendents"], "about the export"),
    // Core, and client-side tokens.
    unsupported(&["macaroonTokensEnabled"], &["false"], "tokens are not macaroons"),
    harmless(&["macaroonTokenFormat"], "tokens are not macaroons"),
    unsupported(&["tokenCompressionEnabled"], &["false"], "JWTs are not compressed"),
    unsupported(&["tokenEncryptionEnabled"], &["false"], "JWTs are signed, not encrypted"),
    harmless(&["tokenSigningAlgorithm"], "the key that signs JWTs has the algorithm"),
    unsupported(
        &["includeClientIdClaimInStatelessTokens"],
        &["true"],
        "JWT access tokens always have client_id (RFC 9068 section 2.2)",
    ),
    unsupported(&["includeSubnameInTokenClaims"], &["true"], "tokens have only sub, without AM's subname"),
    unsupported(
        &["persistentClaims"],
        &[],
        "custom claims are not copied from token to token: keep them in the grant's data",
    ),
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
    // Plugins.
    unsupported(
        &["accessTokenModificationScript", "accessTokenModifierClass"],
        // The scripts and classes that come with AM, and change nothing.
        &["d22f9a0c-426a-4466-b95e-d0f125b0d5fa", "org.forgerock.openam.oauth2.OpenAMScopeValidator"],
        "no scripts and plugins: what is in a token is the library's and the host's",
    ),
    harmless(
        &[
            "accessTokenModificationPluginType",
            "authorizeEndpointDataProviderPluginType",
            "evaluateScopePluginType",
            "oidcClaimsPluginType",
            "validateScopePluginType",
        ],
        "the kind of a plugin; the plugin has its own attribute",
    ),
    unsupported(
        &["validateScopeClass", "validateScopeScript"],
        &[
            "org.forgerock.oauth2.core.plugins.registry.DefaultScopeValidator",
            "org.forgerock.openam.oauth2.OpenAMScopeValidator",
            "25e6c06d-cf70-473b-bd28-26931edc476b",
        ],
        "no plugins: a scope is valid when the client has it; the host decides when it approves a grant",
    ),
    unsupported(
        &["accessTokenEnricherClass", "evaluateScopeClass", "evaluateScopeScript"],
        &[
            "org.forgerock.oauth2.core.plugins.registry.DefaultAccessTokenEnricher",
            "org.forgerock.oauth2.core.plugins.registry.DefaultScopeEvaluator",
            "org.forgerock.openam.oauth2.OpenAMScopeValidator",
            "da56fe60-8b38-4c46-a405-d6b306d4b336",
        ],
        "no plugins: introspection answers what the token says",
    ),
    host(
        &["oidcClaimsClass", "oidcClaimsScript"],
        &["org.forgerock.openam.oauth2.OpenAMScopeValidator", "36863ffb-40ec-48b9-94b1-9a99f71cc3b5"],
        "the claims of id_tokens and userinfo",
    ),
    host(
        &["authorizeEndpointDataProviderClass", "authorizeEndpointDataProviderScript"],
        &[
            "org.forgerock.oauth2.core.plugins.registry.DefaultEndpointDataProvider",
            "org.forgerock.openam.oauth2.OpenAMScopeValidator",
            "3f93ef6e-e54a-4393-aba1-f322656db28a",
        ],
        "the authorization endpoint",
    ),
    // The authorization endpoint, login and consent.
    host(&["customLoginUrlTemplate"], &[], "where users sign in"),
    host(
        &["clientsCanSkipConsent", "enableRemoteConsent", "remoteConsentServiceId"],
        &["false"],
        "whether and how users are asked for consent",
    ),
    harmless(
        &[
            "supportedRcsRequestEncryptionAlgorithms",
            "supportedRcsRequestEncryptionMethods",
            "supportedRcsRequestSigningAlgorithms",
            "supportedRcsResponseEncryptionAlgorithms",
            "supportedRcsResponseEncryptionMethods",
            "supportedRcsResponseSigningAlgorithms",
        ],
        "what AM offers to a remote consent service",
    ),
    harmless(
        &[
            "expClaimRequiredInRequestObject",
            "maxAgeOfRequestObjectNbfClaim",
            "maxDifferenceBetweenRequestObjectNbfAndExp",
            "nbfClaimRequiredInRequestObject",
            "requestObjectProcessing",
        ],
        "about request objects, which are the host's",
    ),
    harmless(&["responseTypeClasses"], "code is the response type that grants begin with"),
    host(&["claimsParameterSupported"], &["false"], "the claims parameter of authorization requests"),
    host(
        &["amrMappings", "defaultACR", "loaMapping"],
        &[],
        "how users sign in for which acr; acr and amr go into the approval of a grant",
    ),
    host(
        &["useForceAuthnForMaxAge", "useForceAuthnForPromptLogin"],
        &["false"],
        "signing in again for max_age or prompt=login",
    ),
    host(&["passwordGrantAuthService"], &[], "how passwords are verified: the approver of the password grant"),
    unsupported(
        &["moduleMessageEnabledInPasswordGrant"],
        &["false"],
        "errors have fixed texts, which give nothing away",
    ),
    host(&["authenticationAttributes", "displayNameAttribute"], &["[\"uid\"]", "cn"], "how users are found and shown"),
    // id_tokens, discovery, userinfo.
    host(&["alwaysAddClaimsToToken"], &["false"], "the claims of id_tokens"),
    host(&["overrideableOIDCClaims"], &[], "claims that a request may override"),
    host(&["hashSalt"], &["changeme"], "pairwise subjects: they stay the same only with this salt"),
    harmless(&["supportedSubjectTypes"], "which subject a client sees is the host's"),
    host(&["supportedClaims"], &[], "the claims that the discovery document names"),
    host(&["oidcDiscoveryEndpointEnabled"], &["false", "true"], "the discovery document"),
    unsupported(&["storeOpsTokens"], &["true", "false"], "session management by ops tokens"),
    host(
        &["authorisedIdmDelegationClients", "authorisedOpenIdConnectSSOClients"],
        &[],
        "clients that get a session of AM for an id_token",
    ),
    harmless(&["idTokenInfoClientAuthenticationEnabled"], "there is no idtokeninfo endpoint"),
    harmless(&["includeAllKtyAlgCombinationsInJwksUri"], "each published key has its one algorithm"),
    harmless(
        &[
            "supportedAuthorizationResponseEncryptionAlgorithms",
            "supportedAuthorizationResponseEncryptionEnc",
            "supportedAuthorizationResponseSigningAlgorithms",
            "supportedIDTokenEncryptionAlgorithms",
            "supportedIDTokenEncryptionMethods",
            "supportedIDTokenSigningAlgorithms",
            "supportedRequestParameterEncryptionAlgorithms",
            "supportedRequestParameterEncryptionEnc",
            "supportedRequestParameterSigningAlgorithms",
            "supportedTokenEndpointAuthenticationSigningAlgorithms",
            "supportedTokenIntrospectionResponseEncryptionAlgorithms",
            "supportedTokenIntrospectionResponseEncryptionEnc",
            "supportedTokenIntrospectionResponseSigningAlgorithms",
            "supportedUserInfoEncryptionAlgorithms",
            "supportedUserInfoEncryptionEnc",
            "supportedUserInfoSigningAlgorithms",
        ],
        "capabilities of AM; here the keys in use determine the algorithms",
    ),
    // Clients, and the token endpoint.
    harmless(&["defaultScopes", "supportedScopes"], "for dynamic registration; each client of the export has its own"),
    host(&["allowDynamicRegistration"], &["false"], "dynamic client registration (RFC 7591)"),
    harmless(
        &[
            "dynamicClientRegistrationScope",
            "dynamicClientRegistrationScript",
            "dynamicClientRegistrationSoftwareStatementRequired",
            "generateRegistrationAccessTokens",
            "requiredSoftwareStatementAttestedAttributes",
        ],
        "about dynamic client registration, which is the host's",
    ),
    unsupported(
        &["allowClientCredentialsInTokenRequestQueryParameters"],
        &["false"],
        "credentials in a URL are never accepted (RFC 6749 section 2.3.1)",
    ),
    host(&["allowedAudienceValues"], &[], "further audiences of client assertions: the verifier's to accept"),
    host(&["tlsCertificateRevocationCheckingEnabled"], &["false"], "the TLS stack checks certificates"),
    harmless(&["tlsClientCertificateHeaderFormat"], "set the certificate header in the HTTP adapter"),
    harmless(&["tokenExchangeClasses", "tokenValidatorClasses"], "the library itself exchanges access tokens"),
    host(
        &["acceptAudienceParametersInTokenExchangeRequests"],
        &["false"],
        "whether a token exchange may name an audience",
    ),
    // Device flow and CIBA.
    unsupported(
        &["deviceUserCodeLength", "deviceUserCodeCharacterSet", "userCodeGeneratorClass"],
        &[
            "8",
            "234567ACDEFGHJKLMNPQRSTWXYZabcdefhijkmnopqrstwxyz",
            "org.forgerock.oauth2.core.plugins.registry.DefaultUserCodeGenerator",
        ],
        "user codes are 8 consonants, like WDJB-MJHT (RFC 8628 section 6.1)",
    ),
    harmless(
        &["cibaAuthReqIdLifetime", "cibaMinimumPollingInterval", "supportedCibaSigningAlgorithms"],
        "CIBA is the host's, with an approver for its grant type",
    ),
];

/// The settings for all realms.
pub(crate) const GLOBAL: &[Known] = &[
    harmless(
        &["blacklistCacheSize", "blacklistPollInterval", "blacklistPurgeDelay"],
        "there is no denylist: the grant's record has the revocations",
    ),
    harmless(&["statelessGrantTokenUpgradeCompatibilityMode"], "about upgrades of AM"),
    host(&["allowUnauthorisedAccessToUserCodeForm"], &["false"], "access to the form for user codes"),
    host(
        &["jwtTokenLifetimeValidationEnabled", "jwtTokenRequiredClaims", "jwtTokenUnreasonableLifetime"],
        &["true", "86400"],
        "how long client assertions may be valid, and with which claims: the verifier's to check",
    ),
];
