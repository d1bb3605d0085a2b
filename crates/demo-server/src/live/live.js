// The live page: a public client with PKCE, and a view of the record that the server keeps of its grant.
//
// No text becomes markup: elements are made one by one. The tokens are in the variables below, and nowhere else.

const element = (id) => document.getElementById(id)
const { authorize, token: tokenPath, revoke: revokePath, client, clock } = element('live').dataset
const isManual = clock === 'manual'
const redirectUri = `${location.origin}/`
const SCOPE = 'read write'

/** The client: its refresh token, its generation, and what a refresh would do. */
let mine = null
/** The same of the thief, whose token may be bound to the key of the thief. */
let stolen = null
/** The key of the thief, made by the browser. */
let thiefKey = null
/** The last explanation of the grant. */
let shown = null
/** The grant whose events are followed. */
let followed = null
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
  const tab = make('span', { className: 'unseen' }, ' (opens in a new tab)')
  return make('a', { href, target: '_blank', rel: 'noreferrer' }, name, tab)
}

const say = (text) => element('status').replaceChildren(text)
const utc = (at) => new Date(at).toISOString().replace('T', ' ').replace(/\.\d+Z/, ' UTC')
const now = () => (isManual && shown ? Date.parse(shown.now) : Date.now() + skew)
const short = (token) => `${token.slice(0, 14)}…`

function span(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}

/** A moment as seen from now, with the whole time for those who point at it. */
function moment(at) {
  const left = Date.parse(at) - now()
  const text = left > 0 ? `in ${span(left)}` : left > -1000 ? 'now' : `${span(-left)} ago`
  return make('time', { dateTime: at, title: utc(at) }, text)
}

/** The part of a window that is left. The text beside it says the same. */
function bar(from, until) {
  const [begin, end] = [Date.parse(from), Date.parse(until)]
  const made = make('progress', { max: Math.max(end - begin, 1), value: Math.max(end - now(), 0) })
  made.setAttribute('aria-hidden', 'true')
  return made
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

/** Sends a request, and shows it with its answer. The decision follows as an event. */
async function exchange(who, path, form, headers = {}, isLost = false) {
  const answer = await post(path, form, headers)
  showExchange(who, curl(path, form, headers), answer, isLost)
  return answer
}

function showExchange(who, command, { status, body }, isLost = false) {
  const text = body ? JSON.stringify(body, (_, value) => (isToken(value) ? short(value) : value), 2) : 'no content'
  const copy = make('button', { type: 'button', id: 'copy' }, 'Copy the command')
  copy.addEventListener('click', () => {
    navigator.clipboard.writeText(command).then(
      () => say('The command is in the clipboard. It has your token in it.'),
      () => say('The browser does not let this page copy. Select the command.'),
    )
  })
  element('exchange').replaceChildren(
    make('div', {}, make('p', {}, `${who} sent`), make('pre', { id: 'curl' }, command), copy),
    make(
      'div',
      {},
      make('p', {}, 'The server answered ', make('strong', { id: 'answer-status' }, String(status))),
      make('pre', { id: 'answer' }, isLost && status === 200 ? 'Tokens, which were lost on the way.' : text),
    ),
  )
}

const isToken = (value) => typeof value === 'string' && value.length > 60

const refreshing = (token) => ({ grant_type: 'refresh_token', client_id: client, refresh_token: token })

/** Explains the token of a party. `null` when there is none, or when the server cannot tell now. */
async function explain(party) {
  if (!party) return null
  const { status, body } = await post('/live/inspect', { token: party.refresh })
  if (status === 200) return Object.assign(party, { generation: body.generation, next: body.refresh }) && body
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
  say('You allowed it. The client has its first tokens. Now refresh, lose a response, or play the thief.')
  element('start').textContent = 'Start again with a new grant'
  element('live').dataset.begun = 'true'
  await update()
}

async function refresh() {
  const { status, body } = await exchange('The client', tokenPath, refreshing(mine.refresh))
  if (status === 200) {
    const isSame = body.refresh_token === mine.refresh
    mine = { refresh: body.refresh_token ?? mine.refresh }
    say(isSame ? 'The client has new access.' : 'The client has new tokens.')
  } else {
    say(
      status >= 500
        ? `The server answered ${status}. The client keeps its token, and tries again later.`
        : `The client was refused: ${body?.error}. The session has ended.`,
    )
  }
}

async function lose() {
  const { status } = await exchange('The client', tokenPath, refreshing(mine.refresh), {}, true)
  say(
    status === 200
      ? 'The response was lost on the way. The client still has its old token: try again.'
      : 'There was no token in the response.',
  )
}

async function race() {
  const body = refreshing(mine.refresh)
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

/** The thief refreshes, with a key once the token is bound to that key. */
async function useStolen(isBound = stolen.isBound) {
  const send = (headers) => exchange('The thief', tokenPath, refreshing(stolen.refresh), headers)
  let answer = await send(isBound ? { DPoP: await proof() } : {})
  // RFC 9449 section 8: the server wants a nonce in the proof.
  if (answer.body?.error === 'use_dpop_nonce') answer = await send({ DPoP: await proof(answer.nonce) })
  if (answer.status === 200) {
    stolen = { refresh: answer.body.refresh_token ?? stolen.refresh, isBound }
    say('The thief was answered. Two parties hold the chain now, and the slower one will be found out.')
  } else {
    say(`The thief was refused: ${answer.body?.error ?? answer.status}.`)
  }
}

async function useStolenLater() {
  await advance('1h', 'An hour passed.')
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

// --- the server, for tests

async function dev(path, form, text) {
  const { status, body } = await exchange('The operator', `/dev/${path}`, form)
  say(status === 200 ? text : (body?.error_description ?? `The server answered ${status}.`))
}

const advance = (time, text) => dev('clock', { advance: time }, text)

// --- the view

/** Reads the record again, and what a refresh of each party would do. */
async function update() {
  await explain(stolen)
  const explained = await explain(mine)
  if (!explained) return
  shown = explained
  skew = Date.parse(shown.now) - Date.now()
  if (followed !== shown.grant_id) listen()
  const parties = [['The client', 'client', mine], ['The thief', 'thief', stolen]].filter(([, , party]) => party?.next)
  element('holders').replaceChildren(...parties.map(holderItem))
  draw()
}

/** Shows the time that goes on. When a window has closed, a refresh would get another answer. */
function tick() {
  const before = Date.parse(shown.now)
  const ends = (shown.grant?.former ?? []).map(({ answered_until }) => Date.parse(answered_until ?? ''))
  if (ends.some((end) => before < end && end <= now())) work = work.then(update).catch(() => {})
  else draw()
}

/** Follows the events of the grant. The browser asks again by itself. */
function listen() {
  source?.close()
  followed = shown.grant_id
  element('events').replaceChildren()
  source = new EventSource(`/live/events?${new URLSearchParams({ grant: followed, watch: shown.watch })}`)
  source.addEventListener('message', ({ data }) => {
    const event = JSON.parse(data)
    element('events').prepend(line(event, make('span', { className: 'soft' }, utc(event.at))))
    element('decision').append(line(event))
  })
}

const WARNINGS = ['reuse_detected', 'grant_revoked', 'refused', 'healed', 'unavailable', 'rejected', 'record_corrupt']

function line({ kind, cause, text, check }, ...when) {
  const name = cause ? `${kind}: ${cause}.` : `${kind}.`
  const className = WARNINGS.includes(kind) ? 'warning' : ''
  return make('li', { className }, make('strong', {}, name), ` ${text} Check: `, link(check), '. ', ...when)
}

function draw() {
  element('now').replaceChildren(utc(now()))
  const grant = shown.grant
  if (!grant) {
    element('summary').replaceChildren('The record is gone: the grant has ended and was purged.')
    for (const id of ['chain', 'access']) element(id).replaceChildren()
    return
  }
  const isRevoked = grant.revoked_at !== null
  const state = isRevoked ? `revoked: ${grant.revocation_reason}` : grant.phase
  const end = grant.expires_at ? [moment(grant.expires_at), ', if not used'] : ['never']
  element('summary').replaceChildren(
    make(
      'dl',
      {},
      fact('State', make('strong', { id: 'phase', className: isRevoked ? 'bad' : 'good' }, state)),
      isRevoked ? fact('Ended', moment(grant.revoked_at)) : fact('Ends', ...end),
      fact('Allowed by', `${grant.subject}, for ${grant.scope}`),
      fact('Size', make('span', { id: 'bytes' }, `${grant.record_bytes} bytes`)),
      fact('Grant', make('code', {}, shown.grant_id)),
    ),
  )
  const oldest = (grant.former[0] ?? grant.head)?.generation ?? 0
  element('chain').replaceChildren(
    ...(grant.head ? [headItem(grant.head, isRevoked)] : []),
    ...grant.former.map((former) => formerItem(former, isRevoked)).reverse(),
    ...(oldest > 0 ? [forgottenItem(oldest)] : []),
  )
  const alive = grant.access_tokens.map(accessItem).reverse()
  element('access').replaceChildren(...(alive.length > 0 ? alive : [make('li', { className: 'empty' }, 'None.')]))
}

const fact = (name, ...values) => make('div', {}, make('dt', {}, name), make('dd', {}, ...values))

function holderItem([name, className, { generation, next }]) {
  const item = make('li', {}, make('span', { className: `holder ${className}` }, name))
  item.append(` holds generation ${generation}. A refresh now ${next.text}. `)
  if (next.check) item.append('Check: ', link(next.check), '.')
  return item
}

/** A generation of the chain, with those who hold it. */
function chainItem(className, number, name, ...about) {
  const node = make('span', { className: 'node' }, number)
  node.setAttribute('aria-hidden', 'true')
  const item = make('li', { className }, node, make('strong', {}, name))
  for (const [who, party] of [['client', mine], ['thief', stolen]]) {
    const held = make('span', { className: 'unseen' }, 'held by ')
    if (party?.generation === number) item.append(' ', make('span', { className: `holder ${who}` }, held, `the ${who}`))
  }
  item.append(...about)
  return item
}

function headItem({ generation, issued_at, expires_at, is_bound }, isRevoked) {
  const end = expires_at ? ['expires ', moment(expires_at)] : ['never expires']
  const about = ['Issued ', moment(issued_at), ', ', ...end, is_bound ? '. Bound to a key.' : '. A bearer token.']
  const name = `Generation ${generation}: the head`
  if (isRevoked) return chainItem('spent', generation, name, make('p', {}, 'It ended with the grant.'))
  const item = chainItem('', generation, name, make('p', {}, ...about))
  item.setAttribute('aria-current', 'true')
  return item
}

function formerItem({ generation, retired_at, window, answered_until }, isRevoked) {
  const left = answered_until === null ? Infinity : Date.parse(answered_until) - now()
  const isOpen = left > 0 && !isRevoked
  const open = left === Infinity ? 'Answered until the head is used' : `Answered for ${span(left)} more`
  const [className, text] = isOpen ? ['good', `${open} (${window})`] : ['bad', 'Spent']
  const state = make('strong', { className }, text)
  const about = make('p', {}, 'Retired ', moment(retired_at), '. ', state)
  const clock = isOpen && answered_until ? [bar(retired_at, answered_until)] : []
  return chainItem(isOpen ? '' : 'spent', generation, `Generation ${generation}`, about, ...clock)
}

function forgottenItem(before) {
  const name = before === 1 ? 'Generation 0' : `Generations 0 to ${before - 1}`
  const about = make('p', {}, 'Forgotten, hence ', make('strong', { className: 'bad' }, 'spent'), '.')
  return chainItem('spent', '…', name, about)
}

function accessItem({ scope, issued_at, expires_at, is_bound }) {
  const kind = is_bound ? 'bound to a key' : 'bearer'
  return make('li', {}, `${scope}, ${kind}, ends `, moment(expires_at), bar(issued_at, expires_at))
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
  'thief-now': [() => useStolen(), needsLoot],
  'thief-later': [useStolenLater, needsLoot],
  'thief-key': [() => useStolen(true), needsLoot],
  'clock-10s': [() => advance('10s', 'Ten seconds passed.'), always],
  'clock-1h': [() => advance('1h', 'An hour passed.'), always],
  'clock-7d': [() => advance('7d', 'A week passed.'), always],
  'store-down': [() => dev('store', { state: 'down' }, 'The store is down. Now refresh.'), always],
  'store-up': [() => dev('store', { state: 'up' }, 'The store is back.'), always],
  rollback: [() => dev('rollback', { grant: followed }, 'The store has lost its last write. Now refresh.'), needsGrant],
  'rotate-ring': [() => dev('rotate-ring', {}, 'A new key seals the tokens from now on. The former key stays in the ring, so your token still opens: refresh.'), always],
  'rotate-key': [() => dev('rotate-key', {}, 'The server signs with new keys. Opaque tokens do not change.'), always],
}

function reason(id, needs) {
  if (element(id).dataset.dev !== undefined && !isManual) return 'This works when the server was started with --manual-clock.'
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
      element('decision').replaceChildren()
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
if (!isManual) setInterval(() => shown && tick(), 1000)
await finish().catch(() => say('The server does not answer.'))
enable()
document.documentElement.dataset.ready = 'true'
