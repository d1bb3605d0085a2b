// Apache with mod_auth_openidc: in front of an application, and of an API.

import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Browser } from './browser.mjs'
import { RP, allow, assertEnded, assertRotatedOnce, assertRepeated, issuer, issuerId, logOut } from './demo.mjs'
import { loseResponse, ok, refreshes, run } from './demo.mjs'

const CLIENT = { id: 'apache', secret: 'apache-secret' }

/** Runs Apache while the flow lasts. */
async function withApache(flow) {
  const [port, jwtPort] = [await freePort(), await freePort()]
  const folder = await mkdtemp(join(tmpdir(), 'interop-apache-'))
  await chmod(folder, 0o755)
  const configuration = fileURLToPath(new URL('../apache/httpd.conf', import.meta.url))
  const apache = spawn('/usr/sbin/apache2', ['-DFOREGROUND', '-f', configuration], {
    env: { RUN: folder, PORT: port, JWT_PORT: jwtPort, ISSUER: issuerId, CERTIFICATE: process.env.NODE_EXTRA_CA_CERTS },
    stdio: 'inherit',
  })
  const exit = once(apache, 'exit')
  try {
    while (!(await isServed(port))) {
      assert.equal(apache.exitCode, null, 'Apache has ended')
      await sleep(50)
    }
    await flow(`http://127.0.0.1:${port}`, `http://127.0.0.1:${jwtPort}`)
  } finally {
    apache.kill()
    await exit
    await rm(folder, { recursive: true })
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function isServed(port) {
  return fetch(`http://127.0.0.1:${port}`).then(
    () => true,
    () => false,
  )
}

/** A page of the application, which gets to know the user and the tokens. */
async function page(browser, base) {
  const { status, headers } = await browser.get(`${base}/protected/page`)
  const [user, access, refresh] = ['x-user', 'x-access-token', 'x-refresh-token'].map((name) => headers.get(name))
  return { status, user, access, refresh }
}

async function signIn(browser, base) {
  const link = (await browser.get(`${base}/protected/page`)).headers.get('location')
  assert(link?.startsWith(issuerId), link)
  const back = await browser.get(await allow(link))
  assert.equal(back.headers.get('location'), `${base}/protected/page`, await back.text())
}

async function relying_party(base) {
  const browser = new Browser()
  await signIn(browser, base)
  const first = await page(browser, base)
  assert.deepEqual([first.status, first.user], [204, 'demo'])
  ok('log-in with the default settings')

  await refreshes()
  await loseResponse()
  const stale = await page(browser, base)
  assert.deepEqual([stale.status, stale.refresh], [204, first.refresh])
  const second = await page(browser, base)
  assert.equal(second.refresh, (await assertRepeated()).refresh_token)
  ok('a refresh whose response was lost is repeated at the next page, with the same answer')

  await parallel(browser, base)

  const { access } = await page(browser, base)
  const parameters = new URLSearchParams({ refresh: `${base}/protected/page`, access_token: access })
  const refreshed = await browser.get(`${base}/protected/callback?${parameters}`)
  assert.equal(refreshed.headers.get('location'), `${base}/protected/page`)
  ok('the hook for scripts refreshes')

  const last = await page(browser, base)
  const end = await browser.get(`${base}/protected/callback?${new URLSearchParams({ logout: RP.afterLogout })}`)
  assert.equal(await logOut(end.headers.get('location')), RP.afterLogout)
  assert.equal((await page(browser, base)).status, 302)
  await assertEnded(last.refresh, CLIENT)
  ok('log-out ends the session of both')
}

/** A page with many parts: each request is a refresh, and those at once send the same refresh token. */
async function parallel(browser, base) {
  for (let round = 0; round < 3; round++) {
    await refreshes()
    const pages = await Promise.all(Array.from({ length: 12 }, () => page(browser.copy(), base)))
    assert.deepEqual(new Set(pages.map(({ status }) => status)), new Set([204]))
    const [count, tokens] = await assertRotatedOnce()
    assert.equal(count, 12)
    console.log(`${count} refreshes with ${tokens} refresh tokens`)
  }
  ok('twelve parallel requests, three times in turn: each refresh token is rotated once, and the session goes on')
}

async function resource_server(base, jwtBase) {
  const token = async (client, parameters) =>
    (await (await post('/oauth2/access_token', client, parameters)).json()).access_token
  const user = (scope) => token('legacy', { grant_type: 'password', username: 'demo', password: 'changeit', scope })
  const call = async (api, token) => {
    const headers = { authorization: `Bearer ${token}` }
    return (await fetch(`${api}/api/call`, { headers })).status
  }

  const opaque = await user('read')
  assert.equal(await call(base, opaque), 204)
  assert.equal(await call(base, await user('write')), 401)
  assert.equal(await call(base, `${opaque}x`), 401)
  await post('/oauth2/token/revoke', 'legacy', { token: opaque })
  assert.equal(await call(base, opaque), 401)
  ok('by introspection: the scope decides, and a revoked token is refused')

  const jwt = await token('service-jwt', { grant_type: 'client_credentials', resource: 'https://api.example' })
  assert.equal(await call(jwtBase, jwt), 204)
  const [header, claims, signature] = jwt.split('.')
  const reversed = [...signature].reverse().join('')
  assert.equal(await call(jwtBase, [header, claims, reversed].join('.')), 401)
  ok('by the published keys: the audience and the signature decide')
}

function post(path, client, parameters) {
  return fetch(new URL(path, issuer), {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client}:${client}-secret`)}` },
    body: new URLSearchParams(parameters),
  })
}

await run({
  relying_party: () => withApache(relying_party),
  resource_server: () => withApache(resource_server),
})
