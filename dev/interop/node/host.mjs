// Chromium as the browser of users and of an administrator of the example hosts (`crates/*/examples/host.rs`).
//
//   node host.mjs FLOW ISSUER [FOLDER]    puts the pictures of the pages into FOLDER
//
// GRANTS is the program of `dev/interop/rust/grants.rs`, STORE the store of the host, and REGRANT_KEY its key. What the
// pages show is compared with what `TokenService::grants` says of the same store.

import { strict as assert } from 'node:assert'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import { assertAccessible } from './accessibility.mjs'
import { issuer, ok, run } from './demo.mjs'

/** The client: one page. Its port is not registered, as that of a native app (RFC 8252 section 7.3). */
const client = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<title>App</title>'))
await once(client.listen(0, '127.0.0.1'), 'listening')
client.unref()
const CALLBACK = `http://127.0.0.1:${client.address().port}/callback`

/** Runs the program that reads the store, and writes grants into it. */
async function service(...command) {
  const { stdout } = await promisify(execFile)(process.env.GRANTS, [process.env.STORE, ...command])
  return stdout
}

/** The live grants of a user, by `TokenService::grants`. */
const grantsOf = async (user) => JSON.parse(await service('list', user))

/** An answer or an outage that Chromium reports as an error, or its own request. */
const EXPECTED = /status of (400|403)|ERR_FAILED|favicon/

/**
 * Passes the flow a function that opens a browser of another person. An error in a page fails it, such as a style that
 * the policy refuses.
 */
async function withBrowser(flow, options = {}) {
  const chromiumSandbox = process.getuid() !== 0
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', chromiumSandbox })
  try {
    const errors = []
    const open = async () => {
      const context = await browser.newContext(options)
      context.setDefaultTimeout(30_000)
      const page = await context.newPage()
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(`${message.text()} ${message.location().url}`)
      })
      page.on('pageerror', (error) => errors.push(error.message))
      return page
    }
    await flow(open)
    assert.deepEqual(errors.filter((error) => !EXPECTED.test(error)), [])
  } finally {
    await browser.close()
  }
}

const at = (path) => new URL(path, issuer).href

async function signIn(page, user, password = 'changeit') {
  await page.fill('input[name=user]', user)
  await page.fill('input[name=password]', password)
  await page.click('button')
}

/** A page of a signed-in user. */
async function signedIn(open, user) {
  const page = await open()
  await page.goto(at('/sign-in'))
  await signIn(page, user)
  await page.waitForURL(at('/sessions'))
  return page
}

/** A request of the client, with the verifier for its code. */
function request(scope) {
  const verifier = randomBytes(32).toString('base64url')
  const link = new URL('/authorize', issuer)
  link.search = new URLSearchParams({
    response_type: 'code',
    client_id: 'spa',
    redirect_uri: CALLBACK,
    scope,
    state: 'the-state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  return { link: link.href, verifier }
}

const token = (form) =>
  fetch(at('/oauth2/token'), { method: 'POST', body: new URLSearchParams({ client_id: 'spa', ...form }) })

/** Presses a button of the consent page, and returns the parameters that the client gets. */
async function decide(page, decision) {
  await page.click(`button[value=${decision}]`)
  await page.waitForURL(`${CALLBACK}?**`)
  return new URL(page.url()).searchParams
}

/** The user allows, and the client redeems the code. Returns the refresh token. */
async function allow(page, scope) {
  const { link, verifier } = request(scope)
  await page.goto(link)
  const code = (await decide(page, 'allow')).get('code')
  const form = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier }
  const answer = await token(form)
  assert.equal(answer.status, 200)
  return (await answer.json()).refresh_token
}

async function refresh(refresh_token) {
  const answer = await token({ grant_type: 'refresh_token', refresh_token })
  const body = await answer.json()
  return answer.status === 200 ? 'refreshed' : body.error
}

/** Ids and exact times, and the port of the client: the pictures have the same ones each time. */
const TEXTS = [
  ['[A-Za-z0-9_-]{22}', 'q83vEjRWeJCrze8SNFZ4kA'],
  ['\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d', '2026-11-23 09:41:00'],
  ['127.0.0.1:\\d+', '127.0.0.1:8000'],
]
const check = (page, name) => assertAccessible(page, name, TEXTS)

const WORDS = { read: 'See your photos', write: 'Add and delete photos' }
const NAMES = { spa: 'Photo Album', print: 'Print Shop' }

/** The rows of the list, as they are shown. */
function shown(page) {
  return page.$$eval('.access > li', (rows) =>
    rows.map((row) => ({
      id: row.querySelector('button.end').value,
      text: row.querySelectorAll('p')[0].textContent,
      when: row.querySelectorAll('p')[1].textContent,
      used: row.querySelector('time').dateTime,
      scope: [...row.querySelectorAll('.scope > li')].map((item) => item.textContent),
    })),
  )
}

/**
 * Asserts that the page shows the grants that the service has: no more, no fewer, as they are, and those first that were
 * used last.
 */
async function assertShown(page, user) {
  const [rows, grants] = [await shown(page), await grantsOf(user)]
  grants.sort((one, other) => Date.parse(other.last_used_at) - Date.parse(one.last_used_at))
  assert.deepEqual(
    rows.map(({ id, used, scope }) => ({ id, used, scope })),
    grants.map(({ id, last_used_at, scope }) => ({
      id,
      used: last_used_at,
      scope: scope.split(' ').map((value) => WORDS[value]),
    })),
  )
  const texts = grants.map(({ client_id, device }) => `${NAMES[client_id]} on ${device}`)
  assert.deepEqual(rows.map(({ text }) => text), texts)
  return rows
}

/** Consent, and "my sessions" with its script. */
async function my_sessions(open) {
  const page = await open()
  await page.goto(request('read write').link)
  await check(page, 'sign-in')
  const failed = page.waitForResponse((answer) => answer.status() === 403)
  await signIn(page, 'demo', 'wrong')
  await failed
  assert.match(await page.textContent('[role=alert]'), /password/)
  await check(page, 'sign-in-wrong')
  await signIn(page, 'demo')
  await page.waitForSelector('button[value=allow]')
  const asked = await page.$$eval('.scope > li', (items) => items.map((item) => item.textContent))
  assert.deepEqual(asked, Object.values(WORDS))
  await check(page, 'consent')
  const denied = await decide(page, 'deny')
  assert.deepEqual([denied.get('error'), denied.get('state')], ['access_denied', 'the-state'])
  assert.deepEqual(await grantsOf('demo'), [])
  ok('after a wrong password, the user sees who asks for what, and denies')

  const tokens = [await allow(page, 'read'), await allow(page, 'read write')]
  await service('seed', 'demo', '3')
  await page.goto(at('/sessions'))
  const rows = await assertShown(page, 'demo')
  assert.equal(rows.length, 5)
  assert(rows.some(({ text, when }) => text.endsWith('Chrome on Linux') && when === 'Last used just now'))
  assert(rows.some(({ when }) => when.endsWith('1 day ago')))
  await check(page, 'my-sessions')
  ok('the list has what the service says: app, device, last use, permissions in words')

  const [{ id }] = rows
  const button = page.locator(`button[value="${id}"]`)
  await button.focus()
  await page.keyboard.press('Enter')
  await page.waitForSelector('#ask[open]')
  await check(page, 'my-sessions-ask')
  await page.keyboard.press('Escape')
  await page.waitForSelector('#ask:not([open])', { state: 'attached' })
  assert.equal(await page.evaluate(() => document.activeElement.value), id, 'the focus is back on the button')
  await button.click()
  await page.click('#ask button[value=keep]')
  assert.equal((await assertShown(page, 'demo')).length, 5)
  ok('by keyboard too: the dialog asks, and nothing ends that the user keeps')

  const post = ({ pathname }) => pathname === '/sessions'
  await page.route(post, (route) => (route.request().method() === 'POST' ? route.abort() : route.continue()))
  await button.click()
  await page.click('#ask button[value=end]')
  await page.waitForSelector('#done:has-text("The access has not ended")')
  assert.deepEqual(await assertShown(page, 'demo'), rows)
  assert(await button.isEnabled())
  await page.unroute(post)
  ok('the page says so when the server cannot be reached')

  await button.click()
  await page.click('#ask button[value=end]')
  await page.waitForSelector('#done:has-text("The access has ended.")')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'done')
  const left = await assertShown(page, 'demo')
  assert.deepEqual(left, rows.slice(1))
  await check(page, 'my-sessions-ended')
  await page.reload()
  assert.deepEqual((await assertShown(page, 'demo')).map((row) => row.id), left.map((row) => row.id))
  ok('one grant ends, in the page without a reload and in the store')

  const other = await signedIn(open, 'demo')
  await page.click('button[value=all]')
  await page.waitForURL(`${at('/sessions/end')}?**`)
  await check(page, 'my-sessions-end-all')
  await page.click('text=Cancel')
  await page.waitForURL(at('/sessions'))
  assert.equal((await grantsOf('demo')).length, 4)
  await page.click('button[value=all]')
  await page.click('text=End all access')
  await page.waitForURL(at('/sign-in'))
  assert.deepEqual(await grantsOf('demo'), [])
  for (const token of tokens) assert.equal(await refresh(token), 'invalid_grant')
  // The other browser still shows the list. Its buttons lead to the sign-in now.
  await other.click('.access button.end')
  await other.click('#ask button[value=end]')
  await other.waitForURL(at('/sign-in'))
  ok('signed out everywhere: no grant is left, and no browser')

  await signIn(page, 'demo')
  await page.waitForURL(at('/sessions'))
  await check(page, 'my-sessions-none')
  await page.click('text=Sign out')
  await page.waitForURL(at('/sign-in'))
  await page.goto(at('/sessions'))
  assert.equal(page.url(), at('/sign-in'))
  await page.goto(at('/authorize?client_id=nobody'))
  await check(page, 'problem')
  ok('the user signs out of this browser, and a request that fails has a page')
}

/** The same buttons without a script. */
async function without_script(open) {
  const page = await signedIn(open, 'demo')
  const [kept, ended] = [await allow(page, 'read'), await allow(page, 'write')]
  await page.goto(at('/sessions'))
  const row = (await assertShown(page, 'demo')).find(({ scope }) => scope.includes(WORDS.write))
  await page.click(`button[value="${row.id}"]`)
  await page.waitForURL(`${at('/sessions/end')}?**`)
  assert.match(await page.textContent('main'), /Add and delete photos/)
  await page.click('text=Cancel')
  assert.equal((await assertShown(page, 'demo')).length, 2)
  await page.click(`button[value="${row.id}"]`)
  await page.click('button.end')
  await page.waitForURL(at('/sessions?done=1'))
  assert.match(await page.textContent('[role=status]'), /has ended/)
  assert.equal((await assertShown(page, 'demo')).length, 1)
  assert.deepEqual([await refresh(ended), await refresh(kept)], ['invalid_grant', 'refreshed'])
  ok('a page asks before one grant ends, and the others live')

  await page.goto(at('/sessions'))
  await page.click('button[value=all]')
  await page.click('text=End all access')
  await page.waitForURL(at('/sign-in'))
  assert.equal(await refresh(kept), 'invalid_grant')
  ok('all of them end')
}

/** The page of administrators. */
async function administrator(open) {
  const user = await signedIn(open, 'demo')
  const token = await allow(user, 'read')
  const refused = await user.goto(at('/admin'))
  assert.equal(refused.status(), 403)
  await check(user, 'not-allowed')
  ok('a user without the role sees nothing')

  await service('seed', 'alice', '120')
  const page = await signedIn(open, 'admin')
  await page.goto(at('/admin'))
  await check(page, 'administrator-search')
  const search = async (fields) => {
    await page.goto(at('/admin'))
    for (const [name, value] of Object.entries(fields)) await page.fill(`input[name=${name}]`, value)
    await page.click('text=Search')
    await page.waitForURL(`${at('/admin')}?**`)
  }
  await search({ user: 'alice' })
  const ids = []
  for (let pages = 1; ; pages++) {
    ids.push(...(await shown(page)).map(({ id }) => id))
    const next = page.locator('text=Next page')
    if (!(await next.count())) {
      assert.equal(pages, 3)
      break
    }
    const before = page.url()
    await next.click()
    await page.waitForURL((url) => url.href !== before)
  }
  assert.deepEqual(ids.sort(), (await grantsOf('alice')).map(({ id }) => id).sort())
  ok(`${ids.length} grants of a user, on three pages, as the service has them`)

  await search({ client: 'spa', user: 'demo' })
  const [mine] = await assertShown(page, 'demo')
  await search({ id: mine.id })
  await assertShown(page, 'demo')
  await check(page, 'administrator-grant')
  await page.click(`button[value="${mine.id}"]`)
  await page.click('#ask button[value=end]')
  await page.waitForSelector('#done:has-text("The access has ended.")')
  assert.deepEqual(await grantsOf('demo'), [])
  assert.equal(await refresh(token), 'invalid_grant')
  await page.goto(at('/admin'))
  assert.match(await page.textContent('.audit'), new RegExp(`admin ends grant ${mine.id} of demo at spa`))
  await service('seed', 'bob', '3')
  await search({ user: 'bob' })
  await assertShown(page, 'bob')
  await check(page, 'administrator')
  ok('a grant is found by its id, ends, and the log has who ended it')

  await search({ user: 'alice' })
  await page.click('text=End all access of this user')
  await check(page, 'administrator-end-all')
  await page.click('text=Cancel')
  assert.equal((await grantsOf('alice')).length, 120)
  await page.click('text=End all access of this user')
  await page.click('button.end')
  await page.waitForURL((url) => url.searchParams.has('done'))
  assert.deepEqual(await grantsOf('alice'), [])
  assert.match(await page.textContent('.audit'), /admin ends all access of alice/)
  await page.goto(at('/admin'))
  await check(page, 'administrator-log')
  ok('all grants of a user end')
}

await run({
  my_sessions: () => withBrowser(my_sessions),
  without_script: () => withBrowser(without_script, { javaScriptEnabled: false }),
  administrator: () => withBrowser(administrator),
})
