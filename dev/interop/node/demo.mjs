// The parts that all clients share: the address of the demo server, a signed-in user, and control of the clock.

import { strict as assert } from 'node:assert'
import { readFile } from 'node:fs/promises'
import { importJWK } from 'jose'

const [flow, address] = process.argv.slice(2)

export const issuer = new URL(address)

/** The issuer as the metadata spells it: a URL object would add a slash. */
export const issuerId = address

/** A relying party of OpenID Connect, with the scope that its libraries ask for. */
export const RP = {
  id: 'rp',
  secret: 'rp-secret-of-more-than-16-characters',
  scope: 'openid profile email offline_access read',
  afterLogout: 'https://client.example/bye',
}

export const WEB_CALLBACK = 'https://client.example/callback'
export const NATIVE_CALLBACK = 'http://127.0.0.1/callback'

/** Runs the flow that the command line names; whatever it throws is the exit code. */
export async function run(flows) {
  assert(Object.hasOwn(flows, flow), `no flow ${flow}; there are ${Object.keys(flows)}`)
  await flows[flow]()
}

/** One line for what has just been shown. */
export function ok(claim) {
  console.log(`ok: ${claim}`)
}

/** The user follows a link to the authorization endpoint and allows what it asks; where the browser is sent then. */
export function allow(link) {
  return follow(link, 'allow')
}

/** The user says no; where the browser is sent then. */
export function deny(link) {
  return follow(link, 'deny')
}

async function follow(link, decision) {
  const { origin, pathname, searchParams } = new URL(link)
  const answer = await decide(origin + pathname, searchParams, decision)
  assert.equal(answer.status, 303, await answer.text())
  return new URL(answer.headers.get('location'))
}

/** The user types the code that the device shows, and allows what it asks. */
export async function allowDevice({ verification_uri, user_code }) {
  const answer = await decide(verification_uri, { user_code }, 'allow')
  assert(answer.ok, await answer.text())
}

async function decide(address, parameters, decision) {
  const signedIn = await fetch(new URL('/json/authenticate', issuer), {
    method: 'POST',
    headers: { 'X-OpenAM-Username': 'demo', 'X-OpenAM-Password': 'changeit' },
  })
  const { tokenId } = await signedIn.json()
  return fetch(address, {
    method: 'POST',
    body: new URLSearchParams([...new URLSearchParams(parameters), ['csrf', tokenId], ['decision', decision]]),
    headers: { cookie: `iPlanetDirectoryPro=${tokenId}` },
    redirect: 'manual',
  })
}

/** The user follows a link to the end of the session at the server; where the browser is sent then. */
export async function logOut(link) {
  const answer = await fetch(link, { redirect: 'manual' })
  assert([302, 303].includes(answer.status), await answer.text())
  return answer.headers.get('location')
}

/** The scope of an access token, for clients that do not say. */
export async function scopeOf(token) {
  const answer = await fetch(new URL('/oauth2/introspect', issuer), {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('api:api-secret')}` },
    body: new URLSearchParams({ token }),
  })
  return (await answer.json()).scope
}

/** The refresh token of a session that has ended. */
export async function assertEnded(refresh_token, { id, secret } = RP) {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token, client_id: id })
  if (secret) body.set('client_secret', secret)
  const answer = await fetch(new URL('/oauth2/access_token', issuer), { method: 'POST', body })
  assert.deepEqual([answer.status, (await answer.json()).error], [400, 'invalid_grant'])
}

/** Of two refreshes the first answer was lost. The client has sent the same token again, and has the same answer. */
export async function assertRepeated() {
  const [lost, repeated, ...more] = await refreshes()
  assert.deepEqual(repeated, lost)
  assert.equal(lost.status, 200)
  assert.notEqual(lost.received.refresh_token, lost.sent)
  assert.deepEqual(more, [])
  return lost.received
}

/** Refreshes at once are all answered, and rotate each refresh token once. Returns `[refreshes, refresh tokens]`. */
export async function assertRotatedOnce() {
  const answers = await refreshes()
  const sent = new Set(answers.map(({ sent }) => sent))
  const received = new Set(answers.map(({ received }) => received.refresh_token))
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
  assert(received.size <= sent.size, `${received.size} new refresh tokens for ${sent.size}`)
  return [answers.length, sent.size]
}

/** Moves the server's clock, by a span like `61s`. */
export function advance(span) {
  return command('clock', { advance: span })
}

/** Lets the server sign with its next key. */
export function rotateKey() {
  return command('rotate-key', {})
}

/** Cuts the connection of the next refresh, after the server has answered. */
export function loseResponse() {
  return post('/proxy/lose')
}

/** The refreshes that the server has seen since the last call: `[{sent, status, received}]`. */
export function refreshes() {
  return post('/proxy/refreshes')
}

function command(name, parameters) {
  return post(`/dev/${name}`, new URLSearchParams(parameters))
}

async function post(path, body) {
  const answer = await fetch(new URL(path, issuer), { method: 'POST', body })
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  return JSON.parse(text)
}

/** The private key of `alg` that a client signs with; the server has its public half. */
export async function signingKey(alg) {
  const jwk = JSON.parse(await readFile(new URL('../keys.json', import.meta.url)))[alg]
  return { key: await importJWK(jwk), kid: jwk.kid }
}
