// The live page: a public client with PKCE, and a view of the record that the server keeps of its grant.
//
// No text becomes markup: elements are made one by one. The tokens are in the variables below, and nowhere else.

const element = (id) => document.getElementById(id)
const { authorize, token: tokenPath, revoke: revokePath, client, clock } = element('live').dataset
const isManual = clock === 'manual'
const redirectUri = `${location.origin}/`
const SCOPE = 'read write'

/** The refresh token that the client holds, and its generation. */
let mine = null
/** The same of the thief. */
let stolen = null
/** The key of the thief, made by the browser. */
let thiefKey = null
/** The last explanation of the grant. */
let shown = null
let grantId = null
let source = null
/** The time of the server, less that of the browser. */
let skew = 0
/** The work of the buttons, one after the other. */
let work = Promise.resolve()

// --- text and bytes

const bytes = (text) => new TextEncoder().encode(text)

function base64url(buffer) {
  const text = String.fromCharCode(...new Uint8Array(buffer))
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

const random = (length) => base64url(crypto.getRandomValues(new Uint8Array(length)))
const json = (value) => base64url(bytes(JSON.stringify(value)))

function make(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}

function link({ name, href }) {
  return make('a', { href, target: '_blank', rel: 'noreferrer' }, name, ' (opens in a new tab)')
}

const say = (text) => element('status').replaceChildren(text)
const time = (at) => new Date(at).toISOString().replace('T', ' ').replace(/\.\d+Z/, ' UTC')
const now = () => (isManual && shown ? shown.now : Date.now() + skew)
const short = (token) => `${token.slice(0, 11)}…`

function span(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}

// --- requests

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`

/** The request for a terminal. */
function curl(path, form, headers) {
  const lines = Object.entries(headers).map(([name, value]) => `--header ${quoted(`${name}: ${value}`)}`)
  const data = Object.entries(form).map(([name, value]) => `--data-urlencode ${quoted(`${name}=${value}`)}`)
  return ['curl', ...lines, ...data, quoted(location.origin + path)].join(' \\\n  ')
}

async function post(path, form, headers = {}) {
  const answer = await fetch(path, { method: 'POST', body: new URLSearchParams(form), headers })
  const text = await answer.text()
  let body = null
  try {
    body = JSON.parse(text)
  } catch {
    body = null
  }
  return { status: answer.status, body, nonce: answer.headers.get('dpop-nonce') }
}

/** Sends a request, and shows it with its answer and with the decision that follows. */
async function exchange(who, path, form, headers = {}) {
  element('decision').replaceChildren()
  const answer = await post(path, form, headers)
  showExchange(who, curl(path, form, headers), answer)
  return answer
}

function showExchange(who, command, { status, body }) {
  const text = body ? JSON.stringify(body, (_, value) => (isToken(value) ? short(value) : value), 2) : 'no content'
  const copy = make('button', { type: 'button', id: 'copy' }, 'Copy the command')
  copy.addEventListener('click', () => {
    navigator.clipboard.writeText(command).then(
      () => say('The command is in the clipboard. It has your token in it.'),
      () => say('The browser does not let this page copy. Select the command.'),
    )
  })
  element('exchange').replaceChildren(
    make('p', {}, `${who} sent:`),
    make('pre', { id: 'curl' }, command),
    copy,
    make('p', {}, 'The answer: ', make('strong', { id: 'answer-status' }, String(status))),
    make('pre', { id: 'answer' }, text),
  )
}

const isToken = (value) => typeof value === 'string' && value.length > 60

const refreshing = (token) => ({ grant_type: 'refresh_token', client_id: client, refresh_token: token })

/** Explains a token, or the grant by its id. `null` when the server cannot tell now. */
async function explain(what) {
  const { status, body } = await post('/live/inspect', what, { 'x-live': '1' })
  if (status === 200) return body
  if (status >= 500) element('summary').replaceChildren('The record cannot be read now: the store is down.')
  return null
}

// --- the client

async function start() {
  const [verifier, state] = [random(32), random(16)]
  sessionStorage.setItem('live', JSON.stringify({ verifier, state }))
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client,
    redirect_uri: redirectUri,
    scope: SCOPE,
    state,
    code_challenge: base64url(await crypto.subtle.digest('SHA-256', bytes(verifier))),
    code_challenge_method: 'S256',
  })
  location.assign(`${authorize}?${query}`)
}

/** Redeems the code that came with the redirection. */
async function finish() {
  const query = new URLSearchParams(location.search)
  const begun = JSON.parse(sessionStorage.getItem('live') ?? 'null')
  sessionStorage.removeItem('live')
  if (!query.has('state')) return
  history.replaceState(null, '', '/')
  if (query.get('state') !== begun?.state) return say('This answer belongs to no request of this tab.')
  if (query.has('error')) return say('You did not allow it. Nothing was issued.')
  const { status, body } = await exchange('The client', tokenPath, {
    grant_type: 'authorization_code',
    client_id: client,
    code: query.get('code'),
    redirect_uri: redirectUri,
    code_verifier: begun.verifier,
  })
  if (status !== 200) return say('The code was refused.')
  mine = { refresh: body.refresh_token }
  say('You allowed it. The client has its first tokens.')
  await update()
}

async function refresh() {
  const { status, body } = await exchange('The client', tokenPath, refreshing(mine.refresh))
  if (status === 200) {
    const isSame = body.refresh_token === mine.refresh
    mine = { refresh: body.refresh_token ?? mine.refresh }
    say(isSame ? 'The client has new access.' : 'The client has new tokens.')
  } else {
    say(status >= 500 ? 'Try again: the client keeps its token.' : `Refused: ${body?.error}. The session has ended.`)
  }
}

async function lose() {
  const { status } = await exchange('The client', tokenPath, refreshing(mine.refresh))
  say(
    status === 200
      ? 'The response was lost on the way. The client still has its old token: try again.'
      : 'There was no token in the response.',
  )
}

async function race() {
  const body = refreshing(mine.refresh)
  element('decision').replaceChildren()
  const [one, two] = await Promise.all([post(tokenPath, body), post(tokenPath, body)])
  showExchange('Two tabs at once', curl(tokenPath, body, {}), two)
  if (one.status !== 200 || two.status !== 200) return say('A tab was not answered.')
  mine = { refresh: one.body.refresh_token ?? mine.refresh }
  const isEqual = JSON.stringify([one.body.access_token, one.body.refresh_token]) ===
    JSON.stringify([two.body.access_token, two.body.refresh_token])
  say(isEqual ? 'Both tabs got the same tokens, byte for byte.' : 'The tabs got different tokens.')
}

async function revoke() {
  await exchange('The client', revokePath, { client_id: client, token: mine.refresh })
  say('The client gave the grant back.')
}

// --- the thief

async function steal() {
  stolen = { ...mine }
  say('The thief has a copy of the refresh token.')
}

async function useStolen(headers = {}) {
  const answer = await exchange('The thief', tokenPath, refreshing(stolen.refresh), headers)
  if (answer.status === 200) {
    stolen = { refresh: answer.body.refresh_token ?? stolen.refresh }
    say('The thief was answered. Two parties hold the chain now, and the slower one will be found out.')
  } else if (!(headers.DPoP && answer.nonce)) {
    say(`The thief was refused: ${answer.body?.error ?? answer.status}.`)
  }
  return answer
}

async function useStolenLater() {
  await advance('1h')
  await useStolen()
}

/** RFC 9449 section 4.2. The private key cannot leave the browser. */
async function proof(nonce) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  thiefKey ??= await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', thiefKey.publicKey)
  const claims = { jti: random(16), htm: 'POST', htu: location.origin + tokenPath, iat: Math.floor(now() / 1000) }
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } }
  const signed = `${json(header)}.${json(nonce ? { ...claims, nonce } : claims)}`
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, thiefKey.privateKey, bytes(signed))
  return `${signed}.${base64url(signature)}`
}

async function useStolenWithKey() {
  const answer = await useStolen({ DPoP: await proof() })
  // RFC 9449 section 8: the server wants a nonce in the proof.
  if (answer.body?.error === 'use_dpop_nonce') await useStolen({ DPoP: await proof(answer.nonce) })
}

// --- the server, for tests

async function dev(path, form, text) {
  const { status, body } = await post(`/dev/${path}`, form)
  say(status === 200 ? text : (body?.error_description ?? `The server answered ${status}.`))
}

const advance = (time) => dev('clock', { advance: time }, `The clock of the server was turned by ${time}.`)

// --- the view

/** Reads the record again, and what a refresh of each party would do. */
async function update() {
  const ofThief = stolen && (await explain({ token: stolen.refresh }))
  const ofClient = mine ? await explain({ token: mine.refresh }) : grantId && (await explain({ grant: grantId }))
  holder(element('mine'), 'The client', mine, ofClient)
  holder(element('stolen'), 'The thief', stolen, ofThief)
  if (!ofClient) return
  shown = ofClient
  skew = shown.now - Date.now()
  if (grantId !== shown.grant_id) listen()
  draw()
}

function holder(place, who, held, explained) {
  if (!held || !explained?.token) return
  held.generation = explained.token.generation
  const { text, check } = explained.token.refresh
  place.replaceChildren(`${who} holds generation ${held.generation}. ${text} `)
  if (check) place.append('Check: ', link(check), '.')
}

/** Follows the events of the grant. The browser asks again by itself. */
function listen() {
  source?.close()
  grantId = shown.grant_id
  element('events').replaceChildren()
  source = new EventSource(`/live/events?${new URLSearchParams({ grant: grantId, watch: shown.watch })}`)
  source.addEventListener('message', ({ data }) => {
    const event = JSON.parse(data)
    element('events').prepend(line(event))
    element('decision').append(line(event))
  })
}

const WARNINGS = ['reuse_detected', 'grant_revoked', 'refused', 'healed', 'unavailable', 'rejected', 'record_corrupt']

function line({ at, kind, cause, text, check }) {
  const name = cause ? `${kind}: ${cause}` : kind
  const className = WARNINGS.includes(kind) ? 'warning' : ''
  return make('li', { className }, make('strong', {}, name), ` ${text} Check: `, link(check), `. ${time(at)}`)
}

function draw() {
  const { grant } = shown
  element('now').replaceChildren(time(shown.now))
  element('now').dateTime = new Date(shown.now).toISOString()
  if (!grant) {
    element('summary').replaceChildren('The record is gone: the grant has ended and was purged.')
    element('chain').replaceChildren()
    element('access').replaceChildren()
    return
  }
  const state = grant.revoked ? `revoked (${grant.revoked.reason}) at ${time(grant.revoked.at)}` : grant.phase
  const end = grant.expires_at === null ? 'It has no end.' : `It ends ${time(grant.expires_at)}, if it is not used.`
  element('summary').replaceChildren(
    `The grant of ${grant.subject} for "${grant.scope}" is `,
    make('strong', { id: 'phase', className: grant.revoked ? 'bad' : 'good' }, state),
    `. ${grant.revoked ? '' : end} Its record has `,
    make('strong', { id: 'bytes' }, `${grant.record_bytes} bytes`),
    '.',
  )
  const [oldest] = grant.former.length > 0 ? grant.former : [grant.head]
  const forgotten = (oldest?.generation ?? 0) > 0 ? [forgottenItem(oldest.generation)] : []
  const head = grant.head ? [headItem(grant)] : []
  element('chain').replaceChildren(...forgotten, ...grant.former.map(formerItem), ...head)
  const alive = grant.access_tokens.map(accessItem)
  element('access').replaceChildren(...(alive.length > 0 ? alive : [make('li', {}, 'none')]))
}

function holders(generation) {
  const names = []
  if (mine?.generation === generation) names.push('the client')
  if (stolen?.generation === generation) names.push('the thief')
  return names.length > 0 ? [make('p', { className: 'holder' }, `Held by ${names.join(' and ')}`)] : []
}

function forgottenItem(before) {
  const name = before === 1 ? 'Generation 0' : `Generations 0 to ${before - 1}`
  return make('li', { className: 'spent' }, make('strong', {}, name), make('p', {}, 'Forgotten, hence spent.'))
}

function formerItem({ generation, retired_at, window, answered_until }) {
  const clock = make('p', {})
  clock.dataset.window = window
  if (answered_until !== null) clock.dataset.until = String(answered_until)
  const item = make(
    'li',
    {},
    make('strong', {}, `Generation ${generation}`),
    make('p', {}, `Retired ${time(retired_at)}`),
    clock,
    ...holders(generation),
  )
  tick(clock)
  return item
}

/** The clock of a window. */
function tick(clock) {
  const { window, until } = clock.dataset
  const left = until === undefined ? Infinity : Number(until) - now()
  const isOpen = left > 0 && !shown.grant.revoked
  clock.className = isOpen ? 'good' : 'bad'
  const text = left === Infinity ? 'answered until the head is used' : `answered for ${span(left)} more`
  clock.replaceChildren(isOpen ? `${text} (${window})` : 'spent')
}

function headItem({ head, revoked }) {
  const item = make(
    'li',
    {},
    make('strong', {}, `Generation ${head.generation}: the head`),
    make('p', {}, `Issued ${time(head.issued_at)}`),
    make('p', {}, head.expires_at === null ? 'Never expires' : `Expires ${time(head.expires_at)}`),
    make('p', {}, head.is_bound ? 'Bound to a key' : 'A bearer token'),
    ...holders(head.generation),
  )
  if (!revoked) item.setAttribute('aria-current', 'true')
  return item
}

function accessItem({ serial, scope, expires_at, is_bound }) {
  const kind = is_bound ? 'bound to a key' : 'bearer'
  return make('li', {}, `Number ${serial}, "${scope}", ${kind}, until ${time(expires_at)}`)
}

// --- buttons

const needsGrant = () => (mine ? null : 'Allow this page first.')
const needsLoot = () => (stolen ? null : 'The thief has nothing: steal the token first.')
const always = () => null

const BUTTONS = {
  start: [start, always],
  refresh: [refresh, needsGrant],
  lose: [lose, needsGrant],
  retry: [refresh, needsGrant],
  race: [race, needsGrant],
  revoke: [revoke, needsGrant],
  steal: [steal, needsGrant],
  'thief-now': [useStolen, needsLoot],
  'thief-later': [useStolenLater, needsLoot],
  'thief-key': [useStolenWithKey, needsLoot],
  'clock-10s': [() => advance('10s'), always],
  'clock-1h': [() => advance('1h'), always],
  'clock-7d': [() => advance('7d'), always],
  'store-down': [() => dev('store', { state: 'down' }, 'The store is down. Now refresh.'), always],
  'store-up': [() => dev('store', { state: 'up' }, 'The store is back.'), always],
  rollback: [() => dev('rollback', { grant: grantId }, 'The store has lost its last write. Now refresh.'), needsGrant],
  'rotate-key': [() => dev('rotate-key', {}, 'The server signs with new keys. Opaque tokens do not change.'), always],
}

function reason(id, needs) {
  if (element(id).dataset.dev !== undefined && !isManual) return 'This works with --manual-clock alone.'
  return needs()
}

/** A button that cannot be used stays in the order of the keyboard, and says why. */
function enable() {
  for (const [id, [, needs]] of Object.entries(BUTTONS)) {
    element(id).setAttribute('aria-disabled', String(reason(id, needs) !== null))
  }
}

async function press(id, [action, needs]) {
  const why = reason(id, needs)
  try {
    if (why) {
      say(why)
    } else {
      await action()
      if (id !== 'start') await update()
    }
  } catch {
    say('The server does not answer.')
  }
  enable()
  element('live').dataset.done = String(Number(element('live').dataset.done ?? 0) + 1)
}

for (const [id, button] of Object.entries(BUTTONS)) {
  element(id).addEventListener('click', () => {
    work = work.then(() => press(id, button))
  })
}
enable()
if (!isManual) {
  setInterval(() => {
    for (const clock of document.querySelectorAll('[data-window]')) tick(clock)
  }, 1000)
}
await finish().catch(() => say('The server does not answer.'))
enable()
document.documentElement.dataset.ready = 'true'
