// express-openid-connect, the middleware of Auth0 for Express, with any issuer.

import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import express from 'express'
import { auth } from 'express-openid-connect'
import { Browser } from './browser.mjs'
import { RP, allow, assertEnded, assertRepeated, issuerId, logOut, loseResponse, ok, run, scopeOf } from './demo.mjs'

/** An application with one page for each action. */
async function application() {
  const app = express()
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const baseURL = `http://127.0.0.1:${server.address().port}`
  app.use(
    auth({
      issuerBaseURL: issuerId,
      baseURL,
      clientID: RP.id,
      clientSecret: RP.secret,
      secret: 'a secret of the application, of 32 bytes or more',
      authRequired: false,
      idpLogout: true,
      routes: { postLogoutRedirect: RP.afterLogout },
      authorizationParams: { response_type: 'code', scope: RP.scope },
    }),
  )
  app.get('/user', async ({ oidc }, response) => {
    response.json({ sub: oidc.user?.sub, userinfo: await oidc.fetchUserInfo(), refreshToken: oidc.refreshToken })
  })
  app.get('/refresh', async ({ oidc, query }, response) => {
    const tokens = await oidc.accessToken.refresh({ tokenEndpointParams: query })
    response.json({ ...tokens, refreshToken: oidc.refreshToken })
  })
  app.use((error, request, response, next) => response.status(502).send(`${error.stack}: ${error.cause}`))
  return { server, baseURL }
}

async function session() {
  const { server, baseURL } = await application()
  const browser = new Browser()
  const page = async (path) => {
    const answer = await browser.get(baseURL + path)
    if (!answer.ok) throw new Error(await answer.text())
    return answer.json()
  }

  const link = (await browser.get(`${baseURL}/login`)).headers.get('location')
  assert(link?.startsWith(issuerId), link)
  const back = await browser.get(await allow(link))
  assert.equal(back.headers.get('location'), baseURL, await back.text())
  const first = await page('/user')
  assert.deepEqual([first.sub, first.userinfo.sub], ['demo', 'demo'])
  ok('log-in with the default settings: RS256, and the userinfo')

  await loseResponse()
  await assert.rejects(page('/refresh'))
  const second = await page('/refresh')
  assert.equal(second.refreshToken, (await assertRepeated()).refresh_token)
  ok('a refresh whose response was lost is repeated with the same answer')

  const narrowed = await page('/refresh?scope=openid')
  assert.equal(await scopeOf(narrowed.access_token), 'openid')
  const full = await page('/refresh')
  assert.equal(await scopeOf(full.access_token), await scopeOf(second.access_token))
  ok('a refresh narrows the access token alone')

  const end = (await browser.get(`${baseURL}/logout`)).headers.get('location')
  assert.equal(await logOut(end), RP.afterLogout)
  await assert.rejects(page('/user'))
  await assertEnded(full.refreshToken)
  ok('log-out ends the session of both')
  server.close()
}

await run({ session })
