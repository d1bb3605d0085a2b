// The two clients of every server and their first tokens: see ../src/seed.rs.

export const grants = Number(process.argv[2] ?? 10_000)
export const APP = 'app'
export const API = 'api'
export const SECRET = 'hD3kq0vX7ZrYc2LmN8sTpW'
export const SCOPES = ['read', 'write']
/** The lifetime of an access token, in seconds. */
export const LIFETIME = 24 * 3600
export const user = (number) => `user-${number}@example.com`

/** Listens, prints the tokens and the address, and ends with the input. */
export function announce(server, seed) {
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1', () => {
    for (const [work, tokens] of Object.entries(seed)) {
      for (const token of tokens) process.stdout.write(`${JSON.stringify({ work, token })}\n`)
    }
    process.stdout.write(`listening on http://127.0.0.1:${server.address().port}\n`)
  })
  process.stdin.on('end', () => process.exit()).resume()
}
