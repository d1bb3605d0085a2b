// The pictures of pages in the manual. With a folder they are taken (scripts/pictures). Each run compares the words of a page
// with those of its picture, so that the manual shows no page that has changed.

import { strict as assert } from 'node:assert'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The folder for pictures: the argument behind the address, or that of all tests. */
const FOLDER = process.argv[4] || process.env.REGRANT_PICTURES

const MANUAL = new URL('../../../docs/manual/pictures/', import.meta.url)

/** Takes the picture `NAME-VIEW.png`, of the whole page or of the window. */
export async function picture(page, name, view, fullPage = true) {
  if (!FOLDER) return
  await mkdir(FOLDER, { recursive: true })
  // To hide the caret it would add a style, which the policy of the page refuses.
  await page.screenshot({ path: join(FOLDER, `${name}-${view}.png`), fullPage, caret: 'initial' })
}

/** Asserts that the page has the words of its picture, if the manual has one. Lines may stand in another order. */
export async function assertPictured(page, name) {
  const words = masked(await page.innerText('body'))
  if (FOLDER) return writeFile(join(FOLDER, `${name}.txt`), words)
  const pictured = await readFile(new URL(`${name}.txt`, MANUAL), 'utf8').catch(() => words)
  const lines = (text) => [...new Set(text.split('\n'))].sort()
  assert.deepEqual(lines(words), lines(pictured), `the manual shows ${name} as it was: run scripts/pictures`)
}

/** The words of a page without those that differ each time: tokens, ids, numbers and times. */
function masked(text) {
  const line = (words) =>
    words
      .replace(/[\w.-]{12,}/g, (word) => (/[\dA-Z]/.test(word.slice(1)) ? '...' : word))
      .replace(/\b(January|February|March|April|May|June|July|August|September|October|November|December)\b/g, 'month')
      .replace(/just now|(\d+|an?) (second|minute|hour|day)s? ago/g, 'some time ago')
      .replace(/\d+/g, '0')
      .trim()
  return `${text.split(/\s*\n\s*/).map(line).filter(Boolean).join('\n')}\n`
}
