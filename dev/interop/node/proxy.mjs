// The proxy with TLS in front of the demo server, as in production. It can lose a response, and records refreshes.
//
//   node proxy.mjs CERTIFICATE KEY
//
// It prints its address, and reads the server's from its input. It ends with its input.
//
//   POST /proxy/lose        the response to the next refresh never arrives: the connection is cut
//   POST /proxy/refreshes   the refreshes since the last call: [{sent, status, received}]

import { readFileSync } from 'node:fs'
import { request as send } from 'node:http'
import { createServer } from 'node:https'
import { createInterface } from 'node:readline'
import { buffer } from 'node:stream/consumers'

const [certificate, key] = process.argv.slice(2)
let loseNext = false
let refreshes = []

const own = {
  '/proxy/lose': () => {
    loseNext = true
    return {}
  },
  '/proxy/refreshes': () => {
    const seen = refreshes
    refreshes = []
    return seen
  },
}

const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, async (request, response) => {
  const body = await buffer(request)
  if (own[request.url]) {
    response.setHeader('content-type', 'application/json')
    return response.end(JSON.stringify(own[request.url]()))
  }
  const answer = await pass(request, body)
  const content = await buffer(answer)
  const form = new URLSearchParams(body.toString())
  if (form.get('grant_type') === 'refresh_token') {
    refreshes.push({ sent: form.get('refresh_token'), status: answer.statusCode, received: JSON.parse(content) })
    if (loseNext) {
      loseNext = false
      return request.socket.destroy()
    }
  }
  const { connection, 'transfer-encoding': _, ...headers } = answer.headers
  response.writeHead(answer.statusCode, headers).end(request.method === 'HEAD' ? undefined : content)
})

/** Sends the request to the server. */
async function pass({ method, url, headers: { connection, 'transfer-encoding': _, ...headers } }, body) {
  const { hostname, port } = await upstream
  return new Promise((resolve, reject) => {
    const options = { hostname, port, method, path: url, headers: { ...headers, 'content-length': body.length } }
    send(options, resolve).on('error', reject).end(body)
  })
}

const input = createInterface({ input: process.stdin })
input.once('close', () => process.exit())
const upstream = new Promise((resolve) => input.once('line', (line) => resolve(new URL(line))))
server.listen(0, '127.0.0.1', () => console.log(`listening on https://localhost:${server.address().port}`))
