// Checks a page as people meet it (light, dark, and on a phone), and takes its pictures.

import { strict as assert } from 'node:assert'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The folder for pictures: the argument behind the address, or that of all tests. */
const FOLDER = process.argv[4] || process.env.REGRANT_PICTURES

const VIEWS = {
  light: { colorScheme: 'light', size: { width: 1024, height: 768 } },
  dark: { colorScheme: 'dark', size: { width: 1024, height: 768 } },
  phone: { colorScheme: 'light', size: { width: 360, height: 740 } },
  'phone-dark': { colorScheme: 'dark', size: { width: 360, height: 740 } },
}

/**
 * Asserts that axe-core finds nothing in any view, and that nothing is wider than the window. With a folder, there are
 * pictures: `NAME-light.png`, `NAME-dark.png`, `NAME-phone.png` and `NAME-phone-dark.png`.
 */
export async function assertAccessible(page, name) {
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
    if (!FOLDER) continue
    await mkdir(FOLDER, { recursive: true })
    // To hide the caret it would add a style, which the policy of the page refuses.
    await page.screenshot({ path: join(FOLDER, `${name}-${view}.png`), fullPage: true, caret: 'initial' })
  }
}
