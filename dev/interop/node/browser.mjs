// A browser for web applications: it keeps cookies, and follows no redirection by itself.

export class Browser {
  #cookies = new Map()

  constructor(send = fetch) {
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
    const response = await this.send(url, { redirect: 'manual', ...init, headers: { cookie, ...init.headers } })
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
