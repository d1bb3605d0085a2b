// openid-client (npm), the most common client of Node programs.

import { strict as assert } from 'node:assert'
import * as client from 'openid-client'
import { NATIVE_CALLBACK, WEB_CALLBACK, advance, allow, allowDevice, deny } from './demo.mjs'
import { issuer, ok, run, signingKey } from './demo.mjs'

/** The server by its metadata (RFC 8414), over plain HTTP since it is on loopback. */
function discover(clientId, authentication, metadata = {}, algorithm = 'oauth2') {
  const options = { algorithm, execute: [client.allowInsecureRequests] }
  return client.discovery(issuer, clientId, metadata, authentication, options)
}

/** Code and PKCE; the library checks `state`, `iss` and, with `openid` in the scope, the id_token and its nonce. */
async function signIn(config, { callback = WEB_CALLBACK, scope = 'read write', dpop, ...more } = {}) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const expectedNonce = scope.includes('openid') ? client.randomNonce() : undefined
  const link = client.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope,
    state: expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...(expectedNonce && { nonce: expectedNonce }),
    ...(dpop && { dpop_jkt: await dpop.calculateThumbprint() }),
    ...more,
  })
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: expectedNonce !== undefined }
  return client.authorizationCodeGrant(config, await allow(link), checks, undefined, { DPoP: dpop })
}

const refused = (error, status = 400) => ({ error, status })

async function lifecycle() {
  const config = await discover('web', client.ClientSecretBasic('web-secret'))
  ok('the metadata is found and names the issuer')
  await liveAndDie(config, await signIn(config))
}

async function liveAndDie(config, first) {
  assert.equal(first.scope, 'read write')
  assert.equal(first.expires_in, 3600)
  ok('code and PKCE give tokens')

  const second = await client.refreshTokenGrant(config, first.refresh_token)
  assert.notEqual(second.refresh_token, first.refresh_token)
  ok('a refresh rotates')

  const again = await client.refreshTokenGrant(config, first.refresh_token)
  assert.deepEqual([again.access_token, again.refresh_token], [second.access_token, second.refresh_token])
  ok('a lost response is answered again with the same tokens')

  const narrowed = await client.refreshTokenGrant(config, second.refresh_token, { scope: 'read' })
  assert.equal(narrowed.scope, 'read')
  const wider = client.refreshTokenGrant(config, narrowed.refresh_token, { scope: 'admin' })
  await assert.rejects(wider, refused('invalid_scope'))
  const full = await client.refreshTokenGrant(config, narrowed.refresh_token)
  assert.equal(full.scope, 'read write')
  ok('a refresh narrows the access token alone')

  const active = await client.tokenIntrospection(config, narrowed.access_token)
  assert.equal(active.active, true)
  assert.deepEqual([active.scope, active.sub, active.client_id], ['read', 'demo', config.clientMetadata().client_id])
  ok('introspection knows the access token')

  await client.tokenRevocation(config, full.refresh_token, { token_type_hint: 'refresh_token' })
  assert.deepEqual(await client.tokenIntrospection(config, full.access_token), { active: false })
  await assert.rejects(client.refreshTokenGrant(config, full.refresh_token), refused('invalid_grant'))
  ok('revocation ends the grant and its access tokens')
}

async function public_client() {
  const config = await discover('native', client.None())
  const first = await signIn(config, { callback: NATIVE_CALLBACK })
  const second = await client.refreshTokenGrant(config, first.refresh_token)
  await advance('61s')
  await assert.rejects(client.refreshTokenGrant(config, first.refresh_token), refused('invalid_grant'))
  await assert.rejects(client.refreshTokenGrant(config, second.refresh_token), refused('invalid_grant'))
  ok('a spent refresh token after grace ends the grant')

  const other = await signIn(config, { callback: NATIVE_CALLBACK })
  await client.tokenRevocation(config, other.refresh_token)
  await assert.rejects(client.refreshTokenGrant(config, other.refresh_token), refused('invalid_grant'))
  ok('a public client refreshes and revokes')
}

async function denied() {
  const config = await discover('web', client.ClientSecretBasic('web-secret'))
  const expectedState = client.randomState()
  const link = client.buildAuthorizationUrl(config, {
    redirect_uri: WEB_CALLBACK,
    state: expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
    code_challenge_method: 'S256',
  })
  const answer = await deny(link)
  await assert.rejects(client.authorizationCodeGrant(config, answer, { expectedState }), { error: 'access_denied' })
  ok('the client hears that the user denied')

  answer.searchParams.delete('iss')
  const nameless = { code: 'OAUTH_INVALID_RESPONSE' }
  await assert.rejects(client.authorizationCodeGrant(config, answer, { expectedState }), nameless)
  ok('by the metadata it expects to hear from whom')
}

async function client_credentials() {
  const config = await discover('service', client.ClientSecretBasic('service-secret'))
  const tokens = await client.clientCredentialsGrant(config, { scope: 'read' })
  assert.equal(tokens.scope, 'read')
  assert.equal(tokens.refresh_token, undefined)
  ok('client_credentials give an access token alone')
}

async function client_secrets() {
  const post = await discover('web-post', client.ClientSecretPost('web-post-secret'))
  await liveAndDie(post, await signIn(post))
  const special = await discover('web: 100%', client.ClientSecretBasic('a+b c&d=e%20/:é'))
  await client.clientCredentialsGrant(special)
  ok('special characters arrive in a Basic header')
  const wrong = await discover('web', client.ClientSecretPost('web-secret'))
  await assert.rejects(client.clientCredentialsGrant(wrong), refused('invalid_client', 400))
  ok('another method than the registered one is invalid_client')
}

async function password() {
  const config = await discover('legacy', client.ClientSecretBasic('legacy-secret'))
  const tokens = await client.genericGrantRequest(config, 'password', { username: 'demo', password: 'changeit' })
  await client.refreshTokenGrant(config, tokens.refresh_token)
  ok('password gives tokens that refresh')
}

async function private_key_jwt() {
  for (const alg of ['ES256', 'EdDSA']) {
    const config = await discover('web-key', client.PrivateKeyJwt(await signingKey(alg)))
    await liveAndDie(config, await signIn(config))
    ok(`private_key_jwt, ${alg}`)
  }
}

async function client_secret_jwt() {
  const config = await discover('web-secret-jwt', client.ClientSecretJwt('web-secret-jwt-secret-of-32-bytes'))
  await liveAndDie(config, await signIn(config))
}

async function id_token() {
  const config = await discover('web', client.ClientSecretBasic('web-secret'), {}, 'oidc')
  client.enableNonRepudiationChecks(config)
  const first = await signIn(config, { scope: 'openid read' })
  const { sub, auth_time, amr } = first.claims()
  assert.deepEqual([sub, amr], ['demo', ['pwd']])
  assert.equal(typeof auth_time, 'number')
  ok('the id_token has the nonce and a signature by the published keys')

  const second = await client.refreshTokenGrant(config, first.refresh_token)
  assert.deepEqual([second.claims().sub, second.claims().auth_time], [sub, auth_time])
  assert.equal(second.claims().nonce, undefined)
  ok('a refresh gives another id_token, of the same sign-in and without nonce')

  const narrowed = await client.refreshTokenGrant(config, second.refresh_token, { scope: 'read' })
  assert.equal(narrowed.id_token, undefined)
  ok('without openid there is none')
}

async function dpop() {
  const config = await discover('native', client.None())
  const asked = []
  config[client.customFetch] = async (url, options) => {
    const response = await fetch(url, options)
    if (response.status === 400) asked.push((await response.clone().json()).error)
    return response
  }
  const dpop = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  const first = await signIn(config, { callback: NATIVE_CALLBACK, dpop })
  assert.equal(first.token_type, 'dpop')
  assert.deepEqual(asked, ['use_dpop_nonce'])
  ok('code and PKCE with a proof and the nonce asked for give bound tokens')

  const second = await client.refreshTokenGrant(config, first.refresh_token, undefined, { DPoP: dpop })
  const again = await client.refreshTokenGrant(config, first.refresh_token, undefined, { DPoP: dpop })
  assert.deepEqual([again.access_token, again.refresh_token], [second.access_token, second.refresh_token])
  ok('a refresh with the key, and its retry')

  const thief = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  const stolen = second.refresh_token
  await assert.rejects(client.refreshTokenGrant(config, stolen, undefined, { DPoP: thief }), { status: 400 })
  await assert.rejects(client.refreshTokenGrant(config, stolen), { status: 400 })
  const third = await client.refreshTokenGrant(config, stolen, undefined, { DPoP: dpop })
  ok('another key or none is refused, and harms nothing')

  const dpop_jkt = await thief.calculateThumbprint()
  await assert.rejects(signIn(config, { callback: NATIVE_CALLBACK, dpop, dpop_jkt }), { status: 400 })
  ok('a code that asks for another key is refused')

  const api = await discover('api', client.ClientSecretBasic('api-secret'))
  const active = await client.tokenIntrospection(api, third.access_token)
  assert.equal(active.token_type, 'DPoP')
  assert.equal(active.cnf.jkt, await dpop.calculateThumbprint())
  ok('introspection names the key')
}

async function device() {
  const config = await discover('tv', client.None())
  const begun = await client.initiateDeviceAuthorization(config, { scope: 'read' })
  assert.match(begun.verification_uri, /^http:/)
  ok('the device gets its codes')

  const polls = []
  config[client.customFetch] = async (url, options) => {
    if (polls.length === 1) await allowDevice(begun)
    await advance('5s')
    const response = await fetch(url, options)
    polls.push((await response.clone().json()).error)
    return response
  }
  const tokens = await client.pollDeviceAuthorizationGrant(config, { ...begun, interval: 0.1 })
  assert.deepEqual(polls, ['authorization_pending', undefined])
  assert.equal(tokens.scope, 'read')
  await client.refreshTokenGrant(config, tokens.refresh_token)
  ok('polling gets authorization_pending, and then tokens that refresh')
}

async function token_exchange() {
  const web = await discover('web', client.ClientSecretBasic('web-secret'))
  const subject = await signIn(web)
  const config = await discover('exchanger', client.ClientSecretBasic('exchanger-secret'))
  const exchanged = await client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: subject.access_token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    scope: 'read',
  })
  assert.equal(exchanged.issued_token_type, 'urn:ietf:params:oauth:token-type:access_token')
  assert.deepEqual([exchanged.scope, exchanged.refresh_token], ['read', undefined])
  const active = await client.tokenIntrospection(config, exchanged.access_token)
  assert.deepEqual([active.active, active.sub, active.client_id], [true, 'demo', 'exchanger'])
  ok('an access token is exchanged for a narrower one')
}

await run({
  lifecycle,
  denied,
  public_client,
  client_credentials,
  client_secrets,
  password,
  private_key_jwt,
  client_secret_jwt,
  id_token,
  dpop,
  device,
  token_exchange,
})
