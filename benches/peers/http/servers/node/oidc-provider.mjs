// `oidc-provider` over a Map: its own memory adapter forgets all but 1000 entries. No `openid` scope, so no response
// has a signature.

import { createServer } from 'node:http'
import Provider from 'oidc-provider'
import { API, APP, LIFETIME, SCOPES, SECRET, announce, grants, user } from './seed.mjs'

const store = new Map()

class MapAdapter {
  constructor(model) {
    this.model = model
  }

  key = (id) => `${this.model}:${id}`
  find = async (id) => store.get(this.key(id))
  upsert = async (id, payload) => void store.set(this.key(id), payload)
  destroy = async (id) => void store.delete(this.key(id))

  async consume(id) {
    store.get(this.key(id)).consumed = Math.floor(Date.now() / 1000)
  }

  async revokeByGrantId(grantId) {
    for (const [key, payload] of store) if (payload.grantId === grantId) store.delete(key)
  }
}

const shared = {
  redirect_uris: ['https://app.example/callback'],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'],
  scope: SCOPES.join(' '),
}
const clients = [
  { ...shared, client_id: APP, token_endpoint_auth_method: 'none' },
  { ...shared, client_id: API, client_secret: SECRET },
]
const provider = new Provider('http://as.example', {
  adapter: MapAdapter,
  clients,
  // The provider accepts clients that refresh only if it has this scope.
  scopes: [...SCOPES, 'offline_access'],
  features: { devInteractions: { enabled: false }, introspection: { enabled: true } },
  findAccount: async (_, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
  rotateRefreshToken: true,
  routes: { token: '/token', introspection: '/introspect' },
  ttl: { AccessToken: LIFETIME, RefreshToken: 30 * 24 * 3600, Grant: 30 * 24 * 3600 },
})

const seed = { refresh: [], introspect: [] }
for (let number = 0; number < grants; number += 1) {
  for (const [work, id] of [['refresh', APP], ['introspect', API]]) {
    const client = await provider.Client.find(id)
    const accountId = user(number)
    const grant = new provider.Grant({ accountId, clientId: id })
    grant.addOIDCScope(SCOPES.join(' '))
    const grantId = await grant.save()
    const token = { accountId, client, grantId, gty: 'authorization_code', scope: SCOPES.join(' ') }
    const model = work === 'refresh' ? new provider.RefreshToken(token) : new provider.AccessToken(token)
    seed[work].push(await model.save())
  }
}
announce(createServer(provider.callback()), seed)
