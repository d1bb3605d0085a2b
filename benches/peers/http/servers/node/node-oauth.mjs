// `@node-oauth/oauth2-server` on node:http, over a Map. It has no introspection, so `authenticate` is behind an
// endpoint for it.

import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import OAuth2Server from '@node-oauth/oauth2-server'
import { API, APP, LIFETIME, SCOPES, SECRET, announce, grants, user } from './seed.mjs'

const { Request, Response } = OAuth2Server
const sha256 = (text) => createHash('sha256').update(text).digest()
const clients = new Map([
  [APP, { id: APP, grants: ['refresh_token'] }],
  [API, { id: API, grants: ['refresh_token'], secret: sha256(SECRET) }],
])
const accessTokens = new Map()
const refreshTokens = new Map()

const model = {
  async getClient(id, secret) {
    const client = clients.get(id)
    if (client?.secret && !(secret && timingSafeEqual(sha256(secret), client.secret))) return null
    return client
  },
  getRefreshToken: async (token) => refreshTokens.get(token),
  getAccessToken: async (token) => accessTokens.get(token),
  async saveToken(token, client, user) {
    const saved = { ...token, client, user }
    accessTokens.set(saved.accessToken, saved)
    refreshTokens.set(saved.refreshToken, saved)
    return saved
  },
  async revokeToken(token) {
    accessTokens.delete(token.accessToken)
    return refreshTokens.delete(token.refreshToken)
  },
}

const oauth = new OAuth2Server({
  model,
  accessTokenLifetime: LIFETIME,
  requireClientAuthentication: { refresh_token: false },
})

async function body(request) {
  let text = ''
  for await (const chunk of request) text += chunk
  return Object.fromEntries(new URLSearchParams(text))
}

async function token(request) {
  const response = new Response({ headers: {} })
  await oauth.token(request, response)
  return response.body
}

async function introspection(request) {
  const basic = Buffer.from(request.get('authorization')?.slice('Basic '.length) ?? '', 'base64').toString()
  const [id, secret] = basic.split(':')
  if (!(await model.getClient(id, secret))) throw new Error('invalid_client')
  const bearer = new Request({ headers: { authorization: `Bearer ${request.body.token}` }, method: 'GET', query: {} })
  const found = await oauth.authenticate(bearer, new Response({ headers: {} }))
  return {
    active: true,
    scope: found.scope.join(' '),
    client_id: found.client.id,
    token_type: 'Bearer',
    exp: Math.floor(found.accessTokenExpiresAt / 1000),
    sub: found.user.id,
    iss: 'https://as.example',
  }
}

const server = createServer(async (incoming, outgoing) => {
  let status = 200
  let answer
  try {
    const { headers, method, url } = incoming
    const request = new Request({ headers, method, query: {}, body: await body(incoming) })
    answer = url === '/token' ? await token(request) : await introspection(request)
  } catch (error) {
    status = 400
    answer = { error: error.message }
  }
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store', pragma: 'no-cache' }
  const json = JSON.stringify(answer)
  outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(json) }).end(json)
})

const seed = { refresh: [], introspect: [] }
const expiry = new Date(Date.now() + LIFETIME * 1000)
for (let number = 0; number < grants; number += 1) {
  for (const [work, id] of [['refresh', APP], ['introspect', API]]) {
    const [accessToken, refreshToken] = [`${work}-a-${number}`, `${work}-r-${number}`].map((text) => sha256(text).toString('hex'))
    const times = { accessTokenExpiresAt: expiry, refreshTokenExpiresAt: expiry }
    await model.saveToken({ accessToken, refreshToken, ...times, scope: SCOPES }, clients.get(id), { id: user(number) })
    seed[work].push(work === 'refresh' ? refreshToken : accessToken)
  }
}
announce(server, seed)
