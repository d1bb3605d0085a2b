// The parts that all clients share: the address of the demo server, a signed-in user, and control of the clock.

import { strict as assert } from 'node:assert'
import { readFile } from 'node:fs/promises'
import { importJWK } from 'jose'

const [flow, address] = process.argv.slice(2)

export const issuer = new URL(address)

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
  assert.equal(answer.status, 302, await answer.text())
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

/** Moves the server's clock, by a span like `61s`. */
export function advance(span) {
  return command('clock', { advance: span })
}

/** Lets the server sign with its next key. */
export function rotateKey() {
  return command('rotate-key', {})
}

async function command(name, parameters) {
  const answer = await fetch(new URL(`/dev/${name}`, issuer), { method: 'POST', body: new URLSearchParams(parameters) })
  assert.equal(answer.status, 200, await answer.text())
}

/** The private key of `alg` that a client signs with; the server has its public half. */
export async function signingKey(alg) {
  const jwk = JSON.parse(await readFile(new URL('../keys.json', import.meta.url)))[alg]
  return { key: await importJWK(jwk), kid: jwk.kid }
}
