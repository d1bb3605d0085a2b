// Ends a grant without leaving the page. Without this script the same buttons lead to a page that asks.

const dialog = document.querySelector('#ask')

/** Asks in the dialog. The Escape key keeps the access, too. */
function ask(question) {
  dialog.querySelector('#ask-title').textContent = question
  dialog.returnValue = 'keep'
  dialog.showModal()
  return new Promise((decide) => {
    dialog.addEventListener('close', () => decide(dialog.returnValue === 'end'), { once: true })
  })
}

/** Says what has happened, where screen readers listen. The focus was on a button that may be gone. */
function say(text) {
  const status = document.querySelector('#done')
  status.textContent = text
  status.focus()
}

async function end(form, button) {
  const body = new URLSearchParams({ grant: button.value })
  const answer = await fetch(form.dataset.post, { method: 'POST', body })
  const [target] = form.dataset.post.split('?')
  if (!answer.ok) throw new Error(`status ${answer.status}`)
  const row = form.closest('li')
  // The session may have ended meanwhile: then the answer is another page, such as the sign-in. After the last row, it
  // is the page that says so.
  const isOther = new URL(answer.url).pathname !== target
  if (isOther || !row.parentElement.children[1]) return location.assign(answer.url)
  row.remove()
  say('The access has ended.')
}

for (const form of dialog ? document.querySelectorAll('form[data-post]') : []) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const { submitter } = event
    if (!(await ask(`${submitter.getAttribute('aria-label')}?`))) return submitter.focus()
    submitter.disabled = true
    try {
      await end(form, submitter)
    } catch {
      submitter.disabled = false
      say('The access has not ended: the server cannot be reached. Try again.')
    }
  })
}
