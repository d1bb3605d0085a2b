// Auth.js (@auth/core), which NextAuth 5 and the adapters for SvelteKit, Express and others use.

import { strict as assert } from 'node:assert'
import { Auth } from '@auth/core'
import { Browser } from './browser.mjs'
import { RP, allow, assertEnded, assertRepeated, issuer, issuerId, loseResponse, ok, run } from './demo.mjs'

const APP = 'https://client.example'

/** With a provider that is configured by its issuer alone; the scope adds only what the API needs. */
function config(state) {
  return {
    basePath: '/auth',
    secret: 'a secret of the application',
    trustHost: true,
    logger: { error: console.error, warn: console.warn, debug() {} },
    providers: [
      {
        id: 'demo',
        name: 'Demo',
        type: 'oidc',
        issuer: issuerId,
        clientId: RP.id,
        clientSecret: RP.secret,
        authorization: { params: { scope: RP.scope } },
      },
    ],
    callbacks: { jwt: (parameters) => keep(state, parameters), session },
    events: { signOut: ({ token }) => endSession(token) },
  }
}

/** The callback of the guide "Refresh token rotation" of Auth.js, but the test says when a refresh is due. */
async function keep(state, { token, account }) {
  if (account) {
    const { providerAccountId, access_token, id_token, refresh_token, expires_at } = account
    return { ...token, sub: providerAccountId, access_token, id_token, refresh_token, expires_at }
  }
  if (!state.isDue) return token
  try {
    const answer = await fetch(new URL('/oauth2/access_token', issuer), {
      method: 'POST',
      body: new URLSearchParams({
        client_id: RP.id,
        client_secret: RP.secret,
        grant_type: 'refresh_token',
        refresh_token: token.refresh_token,
      }),
    })
    const tokens = await answer.json()
    if (!answer.ok) throw tokens
    const { access_token, id_token, refresh_token } = tokens
    return { ...token, access_token, id_token, refresh_token: refresh_token ?? token.refresh_token, error: undefined }
  } catch {
    return { ...token, error: 'RefreshTokenError' }
  }
}

function session({ session, token: { sub, access_token, refresh_token, error } }) {
  return { ...session, sub, access_token, refresh_token, error }
}

async function endSession({ id_token }) {
  const { end_session_endpoint } = await (await fetch(`${issuerId}/.well-known/openid-configuration`)).json()
  const answer = await fetch(`${end_session_endpoint}?${new URLSearchParams({ id_token_hint: id_token })}`)
  assert(answer.ok, await answer.text())
}

async function signInAndOut() {
  const state = { isDue: false }
  const browser = new Browser((url, init) => Auth(new Request(APP + url, init), config(state)))
  const current = async () => (await browser.get('/auth/session')).json()

  const { csrfToken } = await (await browser.get('/auth/csrf')).json()
  const begun = await browser.post('/auth/signin/demo', { csrfToken, callbackUrl: APP })
  const link = new URL(begun.headers.get('location'))
  assert.equal(link.origin, issuer.origin, link.href)
  const { pathname, search } = await allow(link)
  const back = await browser.get(pathname + search)
  assert.equal(back.headers.get('location'), APP)
  const first = await current()
  assert.equal(first.sub, 'demo')
  ok('the callback gives a session')

  state.isDue = true
  await loseResponse()
  const failed = await current()
  assert.deepEqual([failed.error, failed.refresh_token], ['RefreshTokenError', first.refresh_token])
  const second = await current()
  assert.equal(second.error, undefined)
  assert.equal(second.refresh_token, (await assertRepeated()).refresh_token)
  ok('a refresh whose response was lost is repeated with the same answer')

  const third = await current()
  assert.notEqual(third.refresh_token, second.refresh_token)
  state.isDue = false
  await browser.post('/auth/signout', { csrfToken })
  assert.equal(await current(), null)
  await assertEnded(third.refresh_token)
  ok('log-out ends the session of both')
}

await run({ session: signInAndOut })
