// jose (npm) as a resource server, which has only the published keys.

import { strict as assert } from 'node:assert'
import * as jose from 'jose'
import { advance, issuer, ok, rotateKey, run } from './demo.mjs'

const AUDIENCE = 'https://api.example'

async function metadata() {
  return (await fetch(new URL('/.well-known/openid-configuration', issuer))).json()
}

/** A JWT access token of a client that acts for itself. */
async function accessToken({ token_endpoint }) {
  const answer = await fetch(token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('service-jwt:service-jwt-secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: AUDIENCE }),
  })
  assert.equal(answer.status, 200, await answer.clone().text())
  return (await answer.json()).access_token
}

/** The published keys as a resource server has them that starts now; it asks again when it meets an unknown `kid`. */
function keysOf({ jwks_uri }) {
  return jose.createRemoteJWKSet(new URL(jwks_uri), { cooldownDuration: 0 })
}

function verify(as, token, keys) {
  return jose.jwtVerify(token, keys, { issuer: as.issuer, audience: AUDIENCE, typ: 'at+jwt' })
}

async function published({ jwks_uri }) {
  const answer = await fetch(jwks_uri)
  assert.match(answer.headers.get('content-type'), /^application\/(jwk-set\+)?json/)
  return (await answer.json()).keys
}

const kid = (token) => jose.decodeProtectedHeader(token).kid

async function key_set() {
  const as = await metadata()
  for (const jwk of await published(as)) {
    assert.equal(jwk.use, 'sig')
    assert.deepEqual([jwk.d, jwk.p, jwk.q, jwk.k], [undefined, undefined, undefined, undefined])
    assert(as.id_token_signing_alg_values_supported.includes(jwk.alg))
    assert.equal((await jose.importJWK(jwk)).type, 'public')
    assert.equal(typeof jwk.kid, 'string')
  }
  ok('the key set has public keys alone, each with kid, alg and use')
}

async function key_rotation() {
  const as = await metadata()
  const keys = keysOf(as)
  const old = await accessToken(as)
  const { payload } = await verify(as, old, keys)
  assert.equal(payload.client_id, 'service-jwt')
  ok('an access token verifies by the published keys')

  await rotateKey()
  const announced = await published(as)
  await advance('10m')
  const young = await accessToken(as)
  assert.notEqual(kid(young), kid(old))
  assert(announced.some((jwk) => jwk.kid === kid(young)))
  ok('the next key is published before its first use')

  await verify(as, young, keys)
  await verify(as, old, keys)
  await verify(as, old, keysOf(as))
  ok('through a rotation the keys on hand and fresh ones verify both tokens')

  await advance('2h')
  assert(!(await published(as)).some((jwk) => jwk.kid === kid(old)))
  ok('the old key leaves when its last token has expired')
}

await run({ key_set, key_rotation })
