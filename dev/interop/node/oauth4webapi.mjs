// oauth4webapi (npm), a low-level client that checks each answer against the standards.

import { strict as assert } from 'node:assert'
import * as oauth from 'oauth4webapi'
import { NATIVE_CALLBACK, advance, allowDevice, ok, run, signingKey } from './demo.mjs'
import { Client, discover, plain } from './oauth4webapi-client.mjs'

const API = 'https://api.example'

const refused = (error, status = 400) => ({ error, status })

async function lifecycle() {
  await liveAndDie(new Client(await discover(), 'web', oauth.ClientSecretBasic('web-secret')))
}

async function liveAndDie(client) {
  const first = await client.signIn()
  assert.deepEqual([first.token_type, first.expires_in, first.scope], ['bearer', 3600, 'read write'])
  ok('code and PKCE give tokens')

  const second = await client.refresh(first.refresh_token)
  assert.notEqual(second.refresh_token, first.refresh_token)
  ok('a refresh rotates')

  const again = await client.refresh(first.refresh_token)
  assert.deepEqual([again.access_token, again.refresh_token], [second.access_token, second.refresh_token])
  ok('a lost response is answered again with the same tokens')

  const narrowed = await client.refresh(second.refresh_token, { scope: 'read' })
  assert.equal(narrowed.scope, 'read')
  await assert.rejects(client.refresh(narrowed.refresh_token, { scope: 'admin' }), refused('invalid_scope'))
  const full = await client.refresh(narrowed.refresh_token)
  assert.equal(full.scope, 'read write')
  ok('a refresh narrows the access token alone')

  const active = await client.introspect(narrowed.access_token)
  assert.deepEqual([active.active, active.scope, active.sub], [true, 'read', 'demo'])
  ok('introspection knows the access token')

  await client.revoke(full.refresh_token)
  assert.deepEqual(await client.introspect(full.access_token), { active: false })
  await assert.rejects(client.refresh(full.refresh_token), refused('invalid_grant'))
  ok('revocation ends the grant and its access tokens')
}

async function public_client() {
  const client = new Client(await discover(), 'native', oauth.None())
  const first = await client.signIn({ callback: NATIVE_CALLBACK })
  const second = await client.refresh(first.refresh_token)
  await client.revoke(second.refresh_token)
  await assert.rejects(client.refresh(second.refresh_token), refused('invalid_grant'))
  ok('a public client refreshes and revokes')
}

async function client_credentials() {
  const client = new Client(await discover(), 'service', oauth.ClientSecretBasic('service-secret'))
  const tokens = await client.clientCredentials({ scope: 'read' })
  assert.deepEqual([tokens.scope, tokens.refresh_token], ['read', undefined])
  ok('client_credentials give an access token alone')
}

async function client_secrets() {
  const as = await discover()
  await liveAndDie(new Client(as, 'web-post', oauth.ClientSecretPost('web-post-secret')))
  await new Client(as, 'web: 100%', oauth.ClientSecretBasic('a+b c&d=e%20/:é')).clientCredentials()
  ok('special characters arrive in a Basic header')

  const wrong = new Client(as, 'service', oauth.ClientSecretBasic('wrong'))
  await assert.rejects(wrong.clientCredentials(), ({ code, cause, status }) => {
    assert.deepEqual([code, status], [oauth.WWW_AUTHENTICATE_CHALLENGE, 401])
    assert.equal(cause[0].scheme, 'basic')
    return true
  })
  ok('a wrong secret in a Basic header is challenged')
  const elsewhere = new Client(as, 'web', oauth.ClientSecretPost('web-secret'))
  await assert.rejects(elsewhere.clientCredentials(), refused('invalid_client', 400))
  ok('another method than the registered one is invalid_client')
  const methods = [oauth.ClientSecretBasic, oauth.ClientSecretPost]
  const [header, body] = methods.map((method) => new Client(as, 'web-either', method('web-either-secret')))
  const tokens = await body.refresh((await header.signIn()).refresh_token)
  await header.refresh(tokens.refresh_token)
  ok('a client without a registered method uses both, one for each request')
}

async function private_key_jwt() {
  const as = await discover()
  for (const alg of ['ES256', 'EdDSA']) {
    await liveAndDie(new Client(as, 'web-key', oauth.PrivateKeyJwt(await signingKey(alg))))
    ok(`private_key_jwt, ${alg}`)
  }
}

async function client_secret_jwt() {
  const secret = oauth.ClientSecretJwt('web-secret-jwt-secret-of-32-bytes')
  await liveAndDie(new Client(await discover(), 'web-secret-jwt', secret))
}

async function id_token() {
  const client = new Client(await discover('oidc'), 'web', oauth.ClientSecretBasic('web-secret'))
  const first = await client.signIn({ scope: 'openid read' })
  const { sub, auth_time, at_hash, azp } = oauth.getValidatedIdTokenClaims(first)
  assert.deepEqual([sub, azp], ['demo', 'web'])
  assert.equal(at_hash, await halfHash(first))
  ok('the id_token has the nonce, at_hash, and a signature by the published keys')

  const second = await client.refresh(first.refresh_token)
  const refreshed = oauth.getValidatedIdTokenClaims(second)
  assert.deepEqual([refreshed.sub, refreshed.auth_time, refreshed.nonce], [sub, auth_time, undefined])
  assert.equal(refreshed.at_hash, await halfHash(second))
  const again = await client.refresh(first.refresh_token)
  assert.equal(oauth.getValidatedIdTokenClaims(again).at_hash, refreshed.at_hash)
  ok('a refresh and its retry give another id_token, of the same sign-in and without nonce')

  assert.equal((await client.refresh(second.refresh_token, { scope: 'read' })).id_token, undefined)
  ok('without openid there is none')
}

/** `at_hash` of OpenID Connect Core section 3.1.3.6, with the hash of the algorithm: for Ed25519 that is SHA-512. */
async function halfHash({ id_token, access_token }) {
  const { alg } = JSON.parse(Buffer.from(id_token.split('.')[0], 'base64url'))
  const hash = alg === 'EdDSA' ? 'SHA-512' : 'SHA-256'
  const digest = Buffer.from(await crypto.subtle.digest(hash, new TextEncoder().encode(access_token)))
  return digest.subarray(0, digest.length / 2).toString('base64url')
}

/** Makes proofs with a new key. */
async function proofs(alg = 'ES256') {
  return oauth.DPoP({}, await oauth.generateKeyPair(alg))
}

async function dpop() {
  const as = await discover()
  const bound = async (alg) => new Client(as, 'native', oauth.None(), await proofs(alg))
  for (const alg of as.dpop_signing_alg_values_supported) {
    const client = await bound(alg)
    const first = await client.signIn({ callback: NATIVE_CALLBACK })
    assert.equal(first.token_type, 'dpop')
    assert(client.nonceWasAsked)
    const second = await client.refresh(first.refresh_token)
    const again = await client.refresh(first.refresh_token)
    assert.deepEqual([again.access_token, again.refresh_token], [second.access_token, second.refresh_token])
    const thief = await bound(alg)
    await assert.rejects(thief.refresh(second.refresh_token), { status: 400 })
    await client.refresh(second.refresh_token)
    ok(`tokens are bound to a key of ${alg}, after the nonce was asked for`)
  }

  const secret = oauth.ClientSecretBasic('web-secret')
  const first = await new Client(as, 'web', secret, await proofs()).signIn()
  const second = await new Client(as, 'web', secret, await proofs()).refresh(first.refresh_token)
  assert.equal(second.token_type, 'dpop')
  ok('a confidential client may change its key')
}

async function device() {
  const as = await discover()
  const client = new Client(as, 'tv', oauth.None())
  const begun = await client.beginDevice({ scope: 'read' })
  const poll = () => client.pollDevice(begun.device_code)
  await advance('5s')
  await assert.rejects(poll(), refused('authorization_pending'))
  await assert.rejects(poll(), refused('slow_down'))
  await allowDevice(begun)
  await advance('10s')
  const tokens = await poll()
  assert.equal(tokens.scope, 'read')
  await client.refresh(tokens.refresh_token)
  await assert.rejects(poll(), refused('invalid_grant'))
  ok('polling gets authorization_pending, slow_down, and then tokens, once')
}

async function token_exchange() {
  const as = await discover()
  const subject = await new Client(as, 'web', oauth.ClientSecretBasic('web-secret')).signIn()
  const exchanger = new Client(as, 'exchanger', oauth.ClientSecretBasic('exchanger-secret'))
  const exchange = (parameters) =>
    exchanger.grant('urn:ietf:params:oauth:grant-type:token-exchange', {
      subject_token: subject.access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...parameters,
    })
  const exchanged = await exchange({ scope: 'read' })
  assert.equal(exchanged.issued_token_type, 'urn:ietf:params:oauth:token-type:access_token')
  assert.deepEqual([exchanged.scope, exchanged.refresh_token], ['read', undefined])
  await assert.rejects(exchange({ scope: 'admin' }), refused('invalid_scope'))
  ok('an access token is exchanged for a narrower one, and not for a wider')
}

async function jwt_access_token() {
  const as = await discover()
  const client = new Client(as, 'web-jwt', oauth.ClientSecretBasic('web-jwt-secret'))
  const first = await client.signIn({ resource: API })
  const validate = ({ access_token }) => visit(as, access_token, {})
  const claims = await validate(first)
  assert.deepEqual([claims.sub, claims.client_id, claims.scope], ['demo', 'web-jwt', 'read write'])
  ok('the access token is a JWT of RFC 9068')

  const second = await client.refresh(first.refresh_token, { scope: 'read' })
  assert.equal((await validate(second)).scope, 'read')
  const again = await client.refresh(first.refresh_token, { scope: 'read' })
  assert.equal(again.access_token, second.access_token)
  ok('a refresh and its retry give the same JWT')

  assert.equal((await client.introspect(second.access_token)).active, true)
  await client.revoke(second.refresh_token)
  assert.deepEqual(await client.introspect(second.access_token), { active: false })
  ok('introspection and revocation work for it as for others')
}

async function dpop_jwt_access_token() {
  const as = await discover()
  const DPoP = await proofs()
  const client = new Client(as, 'web-jwt', oauth.ClientSecretBasic('web-jwt-secret'), DPoP)
  const { access_token } = await client.signIn({ resource: API })
  const claims = await visit(as, access_token, { DPoP })
  assert.equal(claims.cnf.jkt, await DPoP.calculateThumbprint())
  await assert.rejects(visit(as, access_token, { DPoP: await proofs() }))
  await assert.rejects(visit(as, access_token, {}))
  ok('a JWT that is bound to a key is good with that key alone')
}

/** The library plays both the client of a resource server and the resource server, which reads the token itself. */
async function visit(as, accessToken, options) {
  let claims
  const resourceServer = async (url, init) => {
    claims = await oauth.validateJwtAccessToken(as, new Request(url, init), API, plain)
    return new Response()
  }
  const visiting = { ...options, [oauth.customFetch]: resourceServer }
  await oauth.protectedResourceRequest(accessToken, 'GET', new URL(API), undefined, undefined, visiting)
  return claims
}

async function jwt_introspection() {
  const as = await discover()
  const client = new Client(as, 'web', oauth.ClientSecretBasic('web-secret'))
  const { access_token, refresh_token } = await client.signIn()
  const active = await client.introspect(access_token, { requestJwtResponse: true })
  assert.deepEqual([active.active, active.sub], [true, 'demo'])
  await client.revoke(refresh_token)
  assert.deepEqual(await client.introspect(access_token, { requestJwtResponse: true }), { active: false })
  ok('introspection answers in signed JWTs (RFC 9701)')
}

await run({
  lifecycle,
  public_client,
  client_credentials,
  client_secrets,
  private_key_jwt,
  client_secret_jwt,
  id_token,
  dpop,
  device,
  token_exchange,
  jwt_access_token,
  dpop_jwt_access_token,
  jwt_introspection,
})
