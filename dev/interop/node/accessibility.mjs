// Checks a page as people meet it (light, dark, and on a phone), and takes its pictures.

import { strict as assert } from 'node:assert'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { assertPictured, picture } from './pictures.mjs'

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const VIEWS = {
  light: { colorScheme: 'light', size: { width: 1024, height: 768 } },
  dark: { colorScheme: 'dark', size: { width: 1024, height: 768 } },
  phone: { colorScheme: 'light', size: { width: 390, height: 844 } },
  'phone-dark': { colorScheme: 'dark', size: { width: 390, height: 844 } },
  // The narrowest window (WCAG 2.2 section 1.4.10). It has no picture.
  narrow: { colorScheme: 'light', size: { width: 320, height: 640 } },
}

/** Replaces texts that each run draws anew, such as ids, wherever the page shows them. */
function replace(page, texts) {
  return page.evaluate((texts) => {
    const replaced = (text) => texts.reduce((text, [pattern, other]) => text.replace(new RegExp(pattern, 'g'), other), text)
    const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (nodes.nextNode()) nodes.currentNode.data = replaced(nodes.currentNode.data)
    for (const field of document.querySelectorAll('input:not([type=hidden])')) field.value = replaced(field.value)
  }, texts)
}

/**
 * Asserts that axe-core finds nothing in any view, that nothing is wider than the window, and that the manual shows this
 * page. With a folder, there are pictures: `NAME-light.png`, `NAME-dark.png`, `NAME-phone.png` and `NAME-phone-dark.png`.
 *
 * `texts` are pairs of a regular expression and the text that is shown in its place.
 */
export async function assertAccessible(page, name, texts = []) {
  await replace(page, texts)
  // An open dialog covers the window, not the page.
  const isWhole = !(await page.$('dialog[open]'))
  for (const [view, { colorScheme, size }] of Object.entries(VIEWS)) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.setViewportSize(size)
    // By the debugger: the policy of the page lets no script run that is not of its host.
    await page.evaluate(`${AXE}; undefined`)
    const violations = await page.evaluate(async () => (await axe.run()).violations)
    const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html)}`)
    assert.deepEqual(found, [], `${name}, ${view}`)
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    assert(width <= size.width, `${name}, ${view}: ${width} pixels wide`)
    if (view !== 'narrow') await picture(page, name, view, isWhole)
  }
  await assertPictured(page, name)
}
