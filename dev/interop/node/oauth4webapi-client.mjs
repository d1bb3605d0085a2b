// oauth4webapi for the flows: one method for each request, whose answer the library checks.

import * as oauth from 'oauth4webapi'
import { WEB_CALLBACK, allow, issuer } from './demo.mjs'

/** The server is on loopback, without TLS. */
export const plain = { [oauth.allowInsecureRequests]: true }

export async function discover(algorithm = 'oauth2') {
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...plain }))
}

/** One client at the server: each method sends a request and lets the library judge the answer. */
export class Client {
  constructor(as, client_id, authentication, dpop) {
    this.as = as
    this.client = { client_id }
    this.authentication = authentication
    this.options = { ...plain, DPoP: dpop }
  }

  /** Sends a request, and once more when the server asks for a DPoP nonce; the proof then has it. */
  async call(request, process) {
    try {
      return await process(this.as, this.client, await request())
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error
      this.nonceWasAsked = true
      return process(this.as, this.client, await request())
    }
  }

  async signIn({ callback = WEB_CALLBACK, scope = 'read write', resource } = {}) {
    const { as, client, authentication, options } = this
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const expectedNonce = scope.includes('openid') ? oauth.generateRandomNonce() : undefined
    const link = new URL(as.authorization_endpoint)
    link.search = new URLSearchParams({
      response_type: 'code',
      client_id: client.client_id,
      redirect_uri: callback,
      scope,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...(expectedNonce && { nonce: expectedNonce }),
      ...(resource && { resource }),
    })
    const answer = oauth.validateAuthResponse(as, client, await allow(link), state)
    const checks = { expectedNonce, requireIdToken: expectedNonce !== undefined }
    return this.call(
      () => oauth.authorizationCodeGrantRequest(as, client, authentication, answer, callback, verifier, options),
      async (as, client, response) => {
        const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, checks)
        if (tokens.id_token) await oauth.validateApplicationLevelSignature(as, response, plain)
        return tokens
      },
    )
  }

  refresh(refreshToken, additionalParameters) {
    const { as, client, authentication } = this
    const options = { ...this.options, additionalParameters }
    return this.call(
      () => oauth.refreshTokenGrantRequest(as, client, authentication, refreshToken, options),
      oauth.processRefreshTokenResponse,
    )
  }

  clientCredentials(parameters = {}) {
    const { as, client, authentication, options } = this
    return this.call(
      () => oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, options),
      oauth.processClientCredentialsResponse,
    )
  }

  grant(grantType, parameters) {
    const { as, client, authentication, options } = this
    return this.call(
      () => oauth.genericTokenEndpointRequest(as, client, authentication, grantType, parameters, options),
      oauth.processGenericTokenEndpointResponse,
    )
  }

  async beginDevice(parameters) {
    const { as, client, authentication } = this
    const response = await oauth.deviceAuthorizationRequest(as, client, authentication, parameters, plain)
    return oauth.processDeviceAuthorizationResponse(as, client, response)
  }

  pollDevice(deviceCode) {
    const { as, client, authentication, options } = this
    return this.call(
      () => oauth.deviceCodeGrantRequest(as, client, authentication, deviceCode, options),
      oauth.processDeviceCodeResponse,
    )
  }

  async introspect(token, options) {
    const { as, client, authentication } = this
    const response = await oauth.introspectionRequest(as, client, authentication, token, { ...plain, ...options })
    const claims = await oauth.processIntrospectionResponse(as, client, response)
    if (options?.requestJwtResponse) await oauth.validateApplicationLevelSignature(as, response, plain)
    return claims
  }

  async revoke(token) {
    const { as, client, authentication } = this
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, token, plain))
  }
}
