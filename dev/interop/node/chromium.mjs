// Chromium as the browser of a person: the pages of the server, and a page that uses oidc-client-ts.

import { strict as assert } from 'node:assert'
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'
import { assertAccessible } from './accessibility.mjs'
import { RP, advance, assertEnded, assertRotatedOnce, assertRepeated, issuer, issuerId, loseResponse } from './demo.mjs'
import { ok, run } from './demo.mjs'

const { resolve } = createRequire(import.meta.url)
const LIBRARY = resolve('oidc-client-ts').replace(/dist.*/, 'dist/browser/oidc-client-ts.min.js')
const PAGE = '<!doctype html><title>App</title><script src="/library.js"></script>'

/** Runs a flow with a browser, and with the server of an application. The server has one page, at every path. */
async function withBrowser(flow, options = {}) {
  const library = await readFile(LIBRARY)
  const app = createServer(({ url }, response) => {
    if (url === '/library.js') response.setHeader('content-type', 'text/javascript').end(library)
    else response.setHeader('content-type', 'text/html').end(PAGE)
  }).listen(0, '127.0.0.1')
  await once(app, 'listening')
  // Chromium has no sandbox for root.
  const chromiumSandbox = process.getuid() !== 0
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', chromiumSandbox })
  try {
    // The certificate of the proxy is its own authority.
    const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options })
    context.setDefaultTimeout(30_000)
    await flow(context, `http://127.0.0.1:${app.address().port}`)
  } finally {
    await browser.close()
    app.close()
  }
}

async function signIn(page, password = 'changeit') {
  await page.fill('input[name=username]', 'demo')
  await page.fill('input[name=password]', password)
  await page.click('form button')
}

/** The answer that the application at `base` gets, after the user has pressed a button. */
async function decide(page, base, button) {
  await page.click(`#${button}`)
  await page.waitForURL(`${base}/callback?**`)
  return new URL(page.url()).searchParams
}

function requestOf(base, verifier) {
  const link = new URL('/oauth2/authorize', issuer)
  link.search = new URLSearchParams({
    response_type: 'code',
    client_id: 'spa',
    redirect_uri: `${base}/callback`,
    scope: 'openid read',
    state: 'the-state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  return link
}

/** The pages need no script. */
async function consent_page(context, base) {
  const page = await context.newPage()
  const verifier = randomBytes(32).toString('base64url')
  const link = requestOf(base, verifier)

  await page.goto(link.href)
  await signIn(page, 'wrong')
  assert.match(await page.textContent('[role=alert]'), /password/)
  await signIn(page)
  const denied = await decide(page, base, 'deny')
  assert.equal(denied.get('error'), 'access_denied')
  assert.deepEqual([denied.get('state'), denied.get('iss')], ['the-state', issuerId])
  ok('a person who signs in, after a wrong password, can deny')

  await page.goto(link.href)
  const text = await page.textContent('body')
  for (const shown of ['spa', 'demo', 'read', base]) assert(text.includes(shown), `${shown} is not in ${text}`)
  const allowed = await decide(page, base, 'allow')
  assert.deepEqual([allowed.get('state'), allowed.get('iss')], ['the-state', issuerId])
  const answer = await fetch(new URL('/oauth2/access_token', issuer), {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'spa',
      redirect_uri: `${base}/callback`,
      code: allowed.get('code'),
      code_verifier: verifier,
    }),
  })
  assert.equal(answer.status, 200, await answer.text())
  ok('a person who is signed in sees who asks for what, and can allow')

  link.searchParams.set('redirect_uri', 'https://attacker.example/callback')
  assert.equal((await page.goto(link.href)).status(), 400)
  assert.equal(new URL(page.url()).origin, issuer.origin)
  ok('an address that is not registered gets no redirection')
}

async function device_page(context) {
  const begun = await (
    await fetch(new URL('/oauth2/device/code', issuer), {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'tv', scope: 'read' }),
    })
  ).json()
  const page = await context.newPage()
  await page.goto(begun.verification_uri_complete)
  await signIn(page)
  assert.match(await page.textContent('body'), new RegExp(begun.user_code))
  await page.click('#allow')
  await page.waitForLoadState()
  await advance('10s')
  const answer = await fetch(new URL('/oauth2/access_token', issuer), {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      client_id: 'tv',
      device_code: begun.device_code,
    }),
  })
  assert.equal(answer.status, 200, await answer.text())
  ok('a person allows a device')
}

/** The pages of the server by axe-core. */
async function accessible_pages(context, base) {
  const page = await context.newPage()
  const texts = [
    ['127.0.0.1:\\d+', '127.0.0.1:8000'],
    ['\\b[B-Z]{4}-[B-Z]{4}\\b', 'WDJB-MJHT'],
  ]
  const check = (name) => assertAccessible(page, `demo-${name}`, texts)
  await page.goto(requestOf(base, randomBytes(32).toString('base64url')).href)
  await check('sign-in')
  await signIn(page, 'wrong')
  await page.waitForSelector('[role=alert]')
  await check('sign-in-wrong')
  await signIn(page)
  await page.waitForSelector('#allow')
  await check('consent')

  const answer = await fetch(new URL('/oauth2/device/code', issuer), {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'tv', scope: 'read' }),
  })
  const begun = await answer.json()
  await page.goto(begun.verification_uri)
  await check('device')
  await page.goto(begun.verification_uri_complete)
  await check('device-consent')
  await page.click('#deny')
  await page.waitForLoadState()
  await check('device-refused')
  await page.goto(new URL('/oauth2/authorize?client_id=nobody', issuer).href)
  await check('problem')
  await page.goto(new URL('/oauth2/connect/endSession', issuer).href)
  await check('sign-out')
  await page.click('#sign-out')
  await page.waitForLoadState()
  await check('signed-out')
  ok('axe-core finds nothing in the pages of the demo server, light, dark, and on a phone')
}

/** A tab of the application, with its user manager. The tabs share the storage of the browser. */
async function openTab(context, base, path = '/') {
  const page = await context.newPage()
  await page.goto(base + path)
  await start(page, base)
  return page
}

function start(page, base) {
  const settings = {
    authority: issuerId,
    client_id: 'spa',
    redirect_uri: `${base}/callback`,
    post_logout_redirect_uri: RP.afterLogout,
    scope: RP.scope,
    loadUserInfo: true,
    automaticSilentRenew: false,
  }
  return page.evaluate((settings) => {
    const userStore = new oidc.WebStorageStateStore({ store: localStorage })
    globalThis.manager = new oidc.UserManager({ ...settings, userStore })
  }, settings)
}

const refresh = (page) => page.evaluate(async () => (await manager.signinSilent()).refresh_token)

async function oidc_client_ts(context, base) {
  const page = await openTab(context, base)
  await page.evaluate(() => void manager.signinRedirect())
  await page.waitForSelector('input[name=username]')
  await signIn(page)
  await decide(page, base, 'allow')
  await start(page, base)
  const first = await page.evaluate(async () => ({ ...(await manager.signinCallback()) }))
  assert.equal(first.profile.sub, 'demo')
  ok('a page signs a person in, across origins')

  await loseResponse()
  // Chromium itself repeats a request when the connection that it had kept is cut.
  const second = await refresh(page).catch(() => refresh(page))
  assert.equal(second, (await assertRepeated()).refresh_token)
  ok('a refresh whose response was lost is repeated with the same answer')

  const tabs = [page, await openTab(context, base), await openTab(context, base), await openTab(context, base)]
  await Promise.all(tabs.map(refresh))
  const [count, tokens] = await assertRotatedOnce()
  assert.equal(count, tabs.length)
  ok(`${count} tabs refresh at once, with ${tokens} refresh tokens`)

  const last = await refresh(tabs[1])
  const left = page.waitForRequest((request) => request.url().startsWith(RP.afterLogout))
  await page.evaluate(() => void manager.signoutRedirect())
  await left
  await assertEnded(last, { id: 'spa' })
  const again = await openTab(context, base)
  assert.equal(await again.evaluate(() => manager.getUser()), null)
  ok('log-out ends the session of both')
}

await run({
  consent_page: () => withBrowser(consent_page, { javaScriptEnabled: false }),
  device_page: () => withBrowser(device_page, { javaScriptEnabled: false }),
  accessible_pages: () => withBrowser(accessible_pages),
  oidc_client_ts: () => withBrowser(oidc_client_ts),
})
