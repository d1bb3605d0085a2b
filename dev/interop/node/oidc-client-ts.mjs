// oidc-client-ts, the client of pages without a server of their own, outside a browser.

import { strict as assert } from 'node:assert'
import { InMemoryWebStorage, OidcClient, WebStorageStateStore } from 'oidc-client-ts'
import { NATIVE_CALLBACK, RP, allow, assertEnded, assertRepeated, issuerId, logOut, loseResponse, ok } from './demo.mjs'
import { run } from './demo.mjs'

async function session() {
  const client = new OidcClient({
    authority: issuerId,
    client_id: 'spa',
    redirect_uri: NATIVE_CALLBACK,
    post_logout_redirect_uri: RP.afterLogout,
    scope: RP.scope,
    loadUserInfo: true,
    stateStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
  })
  const begun = await client.createSigninRequest({ nonce: 'the-nonce' })
  const first = await client.processSigninResponse((await allow(begun.url)).href)
  assert.deepEqual([first.profile.sub, first.profile.nonce], ['demo', undefined])
  ok('code and PKCE give a profile with the userinfo')

  const refresh = ({ refresh_token, id_token, scope, profile }) =>
    client.useRefreshToken({ state: { refresh_token, id_token, scope, profile, session_state: null } })
  await loseResponse()
  await assert.rejects(refresh(first))
  const second = await refresh(first)
  assert.equal(second.refresh_token, (await assertRepeated()).refresh_token)
  assert.equal(second.profile.sub, 'demo')
  ok('a refresh whose response was lost is repeated with the same answer')

  const narrowed = await refresh({ ...second, scope: 'openid read' })
  assert.equal(narrowed.scope, 'openid read')
  const full = await refresh({ ...narrowed, scope: RP.scope })
  assert.equal(full.scope, second.scope)
  ok('a refresh narrows the access token alone')

  await client.revokeToken(full.access_token, 'access_token')
  const after = await refresh(full)
  const end = await client.createSignoutRequest({ id_token_hint: after.id_token })
  assert.equal(await logOut(end.url), RP.afterLogout)
  await assertEnded(after.refresh_token, { id: 'spa' })
  ok('log-out at the server ends the refresh token')
}

await run({ session })
