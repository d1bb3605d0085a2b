// The SDK of the Model Context Protocol: its client, and its server as the resource server.

import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js'
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import * as router from '@modelcontextprotocol/sdk/server/auth/router.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import { NATIVE_CALLBACK, advance, allow, assertRotatedOnce, assertRepeated, issuerId, loseResponse } from './demo.mjs'
import { ok, run } from './demo.mjs'

/** The identifier of the server, which access tokens are for. The server itself listens on a free port. */
const RESOURCE = new URL('https://mcp.example/mcp')

async function metadata() {
  return (await fetch(`${issuerId}/.well-known/oauth-authorization-server`)).json()
}

/** The tokens are verified by introspection. */
async function verifyAccessToken(token) {
  const { introspection_endpoint } = await metadata()
  const answer = await fetch(introspection_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('api:api-secret')}` },
    body: new URLSearchParams({ token }),
  })
  const { active, client_id, scope, exp, aud, sub } = await answer.json()
  if (!active) throw new InvalidTokenError('The token is not active')
  const scopes = scope.split(' ')
  return { token, clientId: client_id, scopes, expiresAt: exp, resource: new URL(aud), extra: { sub } }
}

/** An MCP server with one tool, which says who calls. */
async function serve() {
  const app = express()
  const options = { oauthMetadata: await metadata(), resourceServerUrl: RESOURCE, scopesSupported: ['read'] }
  app.use(router.mcpAuthMetadataRouter(options))
  const protect = requireBearerAuth({
    verifier: { verifyAccessToken },
    requiredScopes: ['read'],
    resourceMetadataUrl: router.getOAuthProtectedResourceMetadataUrl(RESOURCE),
    expectedResource: RESOURCE,
  })
  app.post(RESOURCE.pathname, protect, express.json(), async (request, response) => {
    const server = new McpServer({ name: 'demo', version: '1.0.0' })
    server.registerTool('whoami', {}, ({ authInfo }) => ({ content: [{ type: 'text', text: authInfo.extra.sub }] }))
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
    await server.connect(transport)
    await transport.handleRequest(request, response, request.body)
  })
  app.get(RESOURCE.pathname, (request, response) => response.status(405).end())
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** What the host of an MCP client keeps. */
class Provider {
  redirectUrl = NATIVE_CALLBACK
  clientMetadata = { redirect_uris: [NATIVE_CALLBACK], token_endpoint_auth_method: 'none' }
  links = []
  clientInformation = () => ({ client_id: 'mcp', issuer: issuerId })
  tokens = () => this.saved
  saveTokens = (tokens) => void (this.saved = tokens)
  codeVerifier = () => this.verifier
  saveCodeVerifier = (verifier) => void (this.verifier = verifier)
  invalidateCredentials = () => void (this.saved = undefined)
  redirectToAuthorization = (link) => void this.links.push(link)
}

async function session() {
  const server = await serve()
  const origin = `http://127.0.0.1:${server.address().port}`
  const route = (url, init) => fetch(String(url).replace(RESOURCE.origin, origin), init)
  const authProvider = new Provider()
  const connect = async () => {
    const client = new Client({ name: 'demo-client', version: '1.0.0' })
    const transport = new StreamableHTTPClientTransport(RESOURCE, { authProvider, fetch: route })
    return { client, transport, connected: client.connect(transport) }
  }

  const unauthorized = await connect()
  await assert.rejects(unauthorized.connected, UnauthorizedError)
  const [link] = authProvider.links
  assert.deepEqual([link.searchParams.get('resource'), link.searchParams.get('scope')], [RESOURCE.href, 'read'])
  ok('the client finds the authorization server by the metadata of the resource')

  const { searchParams } = await allow(link)
  await unauthorized.transport.finishAuth(searchParams.get('code'))
  const { client, connected } = await connect()
  await connected
  const whoami = async (by = client) => (await by.callTool({ name: 'whoami' })).content[0].text
  assert.equal(await whoami(), 'demo')
  ok('the code gives an access token for the resource')

  await advance('61m')
  await loseResponse()
  await assert.rejects(whoami(), UnauthorizedError)
  assert.equal(await whoami(), 'demo')
  await assertRepeated()
  ok('a call with an expired token refreshes, and a refresh whose response was lost is repeated with the same answer')

  // A client each: one client whose second call is refused after the refresh of its first one gives up.
  const others = await Promise.all([1, 2, 3].map(connect))
  await Promise.all(others.map(({ connected }) => connected))
  await advance('61m')
  assert.deepEqual(await Promise.all(others.map(({ client }) => whoami(client))), ['demo', 'demo', 'demo'])
  const [count, tokens] = await assertRotatedOnce()
  ok(`parallel calls refresh ${count} times, with ${tokens} refresh tokens`)

  const { revocation_endpoint } = await metadata()
  const form = { token: authProvider.saved.refresh_token, client_id: 'mcp' }
  await fetch(revocation_endpoint, { method: 'POST', body: new URLSearchParams(form) })
  authProvider.links = []
  await advance('61m')
  await assert.rejects(whoami(), UnauthorizedError)
  assert.equal(authProvider.links.length, 1)
  ok('after revocation the client asks the user again')
  await Promise.all([client, ...others.map(({ client }) => client)].map((client) => client.close()))
  server.close()
}

await run({ session })
