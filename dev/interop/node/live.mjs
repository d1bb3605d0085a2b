// The live page of the demo server in Chromium: each of its buttons, and what it shows against what the server tells.

import { strict as assert } from 'node:assert'
import { chromium } from 'playwright-core'
import { assertAccessible } from './accessibility.mjs'
import { issuer, ok, run } from './demo.mjs'
import { assertPictured, picture } from './pictures.mjs'

/** The windows of the pictures. */
const WINDOWS = {
  light: { colorScheme: 'light', size: { width: 1040, height: 800 } },
  dark: { colorScheme: 'dark', size: { width: 1040, height: 800 } },
  phone: { colorScheme: 'light', size: { width: 390, height: 844 } },
  'phone-dark': { colorScheme: 'dark', size: { width: 390, height: 844 } },
}

/** The time of the pictures: a clock that is turned back lets limits refuse. */
const MORNING = '2030-01-07T09:00:00Z'

async function withPage(flow, options = {}) {
  // Chromium has no sandbox for root.
  const chromiumSandbox = process.getuid() !== 0
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', chromiumSandbox })
  try {
    const context = await browser.newContext({ viewport: WINDOWS.light.size, ...options })
    context.setDefaultTimeout(30_000)
    const page = await context.newPage()
    const faults = []
    page.on('pageerror', (error) => faults.push(String(error)))
    page.on('console', (line) => {
      // Chromium reports each answer that is an error. The page expects those.
      if (line.type() === 'error' && !line.text().startsWith('Failed to load resource')) faults.push(line.text())
    })
    await flow(page)
    assert.deepEqual(faults, [])
  } finally {
    await browser.close()
  }
}

const ready = (page) => page.waitForSelector('html[data-ready=true]')

/** The user signs in and allows the page. */
async function allow(page) {
  await page.goto(new URL('/', issuer).href)
  await ready(page)
  await page.click('#start')
  await page.fill('#username', 'demo')
  await page.fill('#password', 'changeit')
  await page.click('#sign-in')
  await page.click('#allow')
  await ready(page)
  await said(page, 'You allowed it')
  await generation(page, 0)
}

/** Presses a button, and waits until its work is done. The page says what came of it. */
async function press(page, button, answer) {
  const done = Number(await page.getAttribute('#live', 'data-done'))
  // A button that cannot be used says why. Playwright would wait until it can.
  await page.click(`#${button}`, { force: true })
  await page.waitForSelector(`#live[data-done="${done + 1}"]`)
  assert((await page.textContent('#status')).includes(answer), await page.textContent('#status'))
}

/** Asserts that the exchange on the page is a request to this path. */
async function sent(page, path) {
  const command = await page.textContent('#curl')
  assert(command.startsWith('curl ') && command.endsWith(`'${issuer.origin}${path}'`), command)
}

const said = (page, text) => page.locator('#status', { hasText: text }).waitFor()

/** Waits until the page shows this generation as the head. */
const generation = (page, number) =>
  page.locator('#chain li:first-child strong', { hasText: `Generation ${number}: the head` }).waitFor()

const phase = (page, text) => page.locator('#phase', { hasText: text }).waitFor()

/** Waits for an event of this kind, and for the name of its check. */
async function event(page, kind, check) {
  const line = page.locator('#events li', { hasText: kind }).first()
  await line.waitFor()
  assert.match(await line.textContent(), new RegExp(check))
  assert.match(await line.locator('a').getAttribute('href'), /ARCHITECTURE\.md#[a-z-]+$/)
}

/** The state of the record, as the API tells it to the page. */
async function told(page, act) {
  const answers = []
  const note = (answer) => {
    if (answer.url().endsWith('/live/inspect')) answers.push(answer.json())
  }
  page.on('response', note)
  await act()
  page.off('response', note)
  return answers.at(-1)
}

/** Takes pictures of the window, on a phone from the element `onPhone`. */
async function pictures(page, name, onPhone = 'html') {
  for (const [view, { colorScheme, size }] of Object.entries(WINDOWS)) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize(size)
    await page.evaluate((from) => document.querySelector(from).scrollIntoView(), view.startsWith('phone') ? onPhone : 'html')
    await picture(page, name, view, false)
  }
  await page.setViewportSize(WINDOWS.light.size)
  await assertPictured(page, name)
}

async function assertPageAccessible(page, name) {
  await assertAccessible(page, name)
  await page.setViewportSize(WINDOWS.light.size)
}

/** Refresh, lost response, retry, race. */
async function client(page) {
  await allow(page)
  await event(page, 'redeemed', 'answer')
  await press(page, 'refresh', 'new tokens')
  await generation(page, 1)
  await event(page, 'rotated', 'answer')
  ok('a refresh is shown with its event and its check')

  await sent(page, '/oauth2/access_token')
  assert.match(await page.textContent('#curl'), /grant_type=refresh_token/)
  ok('the exchange is there as a command')

  await press(page, 'lose', 'lost on the way')
  await generation(page, 2)
  assert.match(await page.textContent('#answer'), /lost on the way/)
  await press(page, 'retry', 'new tokens')
  await event(page, 'replayed', 'generation')
  await generation(page, 2)
  ok('a lost response is repeated')

  await press(page, 'race', 'byte for byte')
  await generation(page, 3)
  ok('two tabs get the same tokens')

  const shown = await told(page, () => press(page, 'refresh', 'new tokens'))
  await generation(page, shown.grant.head.generation)
  assert.equal(await page.textContent('#bytes'), `${shown.grant.record_bytes} bytes`)
  assert.equal(await page.locator('#access li').count(), shown.grant.access_tokens.length)
  ok('what is shown is what the server tells')

  await press(page, 'revoke', 'gave the grant back')
  await phase(page, 'client_request')
  await press(page, 'refresh', 'invalid_grant')
  await event(page, 'refused: grant_revoked', 'life')
  ok('a grant that was given back is over')
}

/** A thief who is late, one who is quick, and one with a key of his own. */
async function thief(page) {
  await fetch(new URL('/dev/clock', issuer), { method: 'POST', body: new URLSearchParams({ set: MORNING }) })
  await allow(page)
  await press(page, 'thief-now', 'steal the token first')
  await press(page, 'refresh', 'new tokens')
  await press(page, 'steal', 'copy')
  await press(page, 'thief-now', 'was answered')
  await generation(page, 2)
  await page.locator('#chain .holder', { hasText: 'the thief' }).waitFor()
  await press(page, 'clock-10s', 'Ten seconds passed')
  assert.match(await page.textContent('#chain'), /Answered for 50 s more \(grace_period\)/)
  await pictures(page, 'live-grace', '#record-title')
  ok('the windows of former tokens run')
  await press(page, 'clock-1h', 'An hour passed')
  await press(page, 'refresh', 'invalid_grant')
  await event(page, 'reuse_detected', 'generation')
  await phase(page, 'refresh_token_reuse')
  await pictures(page, 'live')
  await assertPageAccessible(page, 'live-theft')
  ok('the second holder of a token ends the grant')

  await allowAgain(page)
  await press(page, 'steal', 'copy')
  await press(page, 'refresh', 'new tokens')
  await press(page, 'thief-later', 'refused: invalid_grant')
  await event(page, 'reuse_detected', 'generation')
  ok('a thief who is late is found')

  await allowAgain(page)
  await press(page, 'steal', 'copy')
  await press(page, 'thief-key', 'was answered')
  await press(page, 'clock-1h', 'An hour passed')
  await press(page, 'refresh', 'invalid_grant')
  await event(page, 'reuse_detected', 'generation')
  ok('a key of his own does not protect the thief')
}

/** The user is signed in, unless the clock was turned too far. */
async function allowAgain(page) {
  await page.goto(new URL('/', issuer).href)
  await ready(page)
  await page.click('#start')
  await page.waitForSelector('#username, #allow')
  if (await page.locator('#username').count()) {
    await page.fill('#username', 'demo')
    await page.fill('#password', 'changeit')
    await page.click('#sign-in')
  }
  await page.click('#allow')
  await ready(page)
  await said(page, 'You allowed it')
  await generation(page, 0)
}

/** The store goes down, comes back, and loses a write; keys change; time passes. */
async function operator(page) {
  await allow(page)
  await press(page, 'store-down', 'The store is down')
  await page.reload()
  await ready(page)
  assert.match(await page.textContent('main'), /cannot be read now/)
  await press(page, 'store-up', 'The store is back')
  ok('the page brings back a store that was down when the page was loaded')

  await allowAgain(page)
  await press(page, 'store-down', 'The store is down')
  await sent(page, '/dev/store')
  await press(page, 'refresh', 'keeps its token')
  await press(page, 'store-up', 'The store is back')
  await sent(page, '/dev/store')
  await press(page, 'refresh', 'new tokens')
  await generation(page, 1)
  ok('an outage ends no session')

  await press(page, 'rollback', 'lost its last write')
  await sent(page, '/dev/rollback')
  await generation(page, 0)
  await press(page, 'refresh', 'new tokens')
  await event(page, 'healed', 'generation')
  await generation(page, 2)
  ok('a write that the store lost is healed')

  await press(page, 'rotate-ring', 'former key stays')
  await sent(page, '/dev/rotate-ring')
  await press(page, 'refresh', 'new tokens')
  await press(page, 'rotate-key', 'new keys')
  await sent(page, '/dev/rotate-key')
  await press(page, 'refresh', 'new tokens')
  ok('a rotation of the key ring, or of the signing keys, ends no session')
  await press(page, 'clock-10s', 'Ten seconds passed')
  await sent(page, '/dev/clock')
  await page.locator('#chain .bad', { hasText: 'spent' }).first().waitFor()
  await press(page, 'clock-7d', 'A week passed')
  await press(page, 'refresh', 'invalid_grant')
  await event(page, 'refresh_token_expired', 'generation')
  ok('windows and lifetimes end')
}

/** The id of the element that has the focus of the keyboard, after it was given to `selector`. */
async function focused(page, selector) {
  if (selector) await page.focus(selector)
  return page.evaluate(() => document.activeElement.id)
}

/** Signed out, by keyboard, and without a script. */
async function access(page) {
  await page.goto(new URL('/', issuer).href)
  await ready(page)
  await assertPageAccessible(page, 'live-signed-out')
  const buttons = await page.$$eval('main button', (all) => all.map(({ id }) => id))
  const reached = [await focused(page, '#start')]
  while (reached.length < buttons.length) {
    await page.keyboard.press('Tab')
    reached.push(await focused(page))
  }
  assert.deepEqual(reached, buttons)
  await page.focus('#retry')
  await page.keyboard.press('Enter')
  await said(page, 'Allow this page first')
  ok('each button is reached by the keyboard, and says why it does nothing')

  await allow(page)
  await assertPageAccessible(page, 'live-allowed')
  ok('axe finds nothing, light, dark and on a phone')
}

async function without_script(page) {
  await page.goto(new URL('/live/sign-in', issuer).href)
  await page.fill('#username', 'demo')
  await page.fill('#password', 'changeit')
  await page.click('#sign-in')
  assert.match(await page.textContent('main'), /signed in as demo/)
  assert.match(await page.textContent('noscript'), /JavaScript/)
  ok('the page shows who is signed in without a script')
}

await run({
  client: () => withPage(client),
  thief: () => withPage(thief),
  operator: () => withPage(operator),
  access: () => withPage(access),
  without_script: () => withPage(without_script, { javaScriptEnabled: false }),
})
