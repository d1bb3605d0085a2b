// The client of the SDK of the Model Context Protocol against `crates/regrant-axum/examples/mcp_host.rs`. The client
// has only the address of the MCP server: it finds the authorization server and registers itself.

import { strict as assert } from 'node:assert'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { issuerId, ok, run } from './demo.mjs'

const RESOURCE = new URL(`${issuerId}/mcp`)
const CALLBACK = 'http://localhost:43117/callback'

/** What the host of an MCP client keeps. */
class Provider {
  redirectUrl = CALLBACK
  clientMetadata = {
    client_name: 'Demo',
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  }
  clientInformation = () => this.client
  saveClientInformation = (client) => void (this.client = client)
  tokens = () => this.saved
  saveTokens = (tokens) => void (this.saved = tokens)
  codeVerifier = () => this.verifier
  saveCodeVerifier = (verifier) => void (this.verifier = verifier)
  redirectToAuthorization = (link) => void (this.link = link)
}

/** The user presses the button of the page. */
async function allow(link) {
  const page = await fetch(link)
  assert.equal(page.status, 200, await page.text())
  const headers = { origin: issuerId, 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await fetch(link, { method: 'POST', headers, body: 'decision=allow', redirect: 'manual' })
  assert.equal(answer.status, 303, await answer.text())
  return new URL(answer.headers.get('location')).searchParams.get('code')
}

async function session() {
  const authProvider = new Provider()
  const connect = () => {
    const client = new Client({ name: 'demo-client', version: '1.0.0' })
    const transport = new StreamableHTTPClientTransport(RESOURCE, { authProvider })
    return { client, transport, connected: client.connect(transport) }
  }
  const whoami = async (client) => (await client.callTool({ name: 'whoami' })).content[0].text

  const unauthorized = connect()
  await assert.rejects(unauthorized.connected, UnauthorizedError)
  const { searchParams } = authProvider.link
  assert.deepEqual([searchParams.get('resource'), searchParams.get('scope')], [RESOURCE.href, 'tools'])
  assert.equal(authProvider.client.client_id, searchParams.get('client_id'))
  ok('the client finds the authorization server and registers itself')

  await unauthorized.transport.finishAuth(await allow(authProvider.link))
  const { client, connected } = connect()
  await connected
  assert.equal(await whoami(client), 'demo')
  ok('the code gives an access token for the resource')

  // An access token that the server does not know makes the client refresh.
  authProvider.saved = { ...authProvider.saved, access_token: 'unknown' }
  const first = authProvider.saved.refresh_token
  assert.equal(await whoami(client), 'demo')
  assert.notEqual(authProvider.saved.refresh_token, first)
  ok('the client refreshes')
  await client.close()
}

await run({ session })
