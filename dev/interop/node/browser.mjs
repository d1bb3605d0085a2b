// A browser for web applications: it keeps cookies, and follows no redirection by itself.

import { request } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** A request for a page. `fetch` would say that it is a script (Sec-Fetch-Mode), and a script is not sent to log in. */
function navigate(url, { method, headers }) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { accept: 'text/html', ...headers } }, async (answer) => {
      const { statusCode: status, headersDistinct } = answer
      const pairs = Object.entries(headersDistinct).flatMap(([name, values]) => values.map((value) => [name, value]))
      const body = await buffer(answer)
      resolve(new Response(status === 204 ? null : body, { status, headers: pairs }))
    })
    sent.on('error', reject).end()
  })
}

export class Browser {
  #cookies = new Map()

  constructor(send = navigate) {
    this.send = send
  }

  /** A second browser with the same cookies. */
  copy() {
    const copy = new Browser(this.send)
    copy.#cookies = new Map(this.#cookies)
    return copy
  }

  async get(url, init = {}) {
    const cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ')
    const response = await this.send(url, { ...init, headers: { cookie, ...init.headers } })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]*)=([^;]*)/.exec(line)
      if (value) this.#cookies.set(name, value)
      else this.#cookies.delete(name)
    }
    return response
  }

  post(url, form) {
    return this.get(url, { method: 'POST', body: new URLSearchParams(form) })
  }
}
