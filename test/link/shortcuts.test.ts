// Which packets pass by the kernel's IP, by the time and by what the kernel knows.

import t from 'tap'
import { HOLDS_MS, MOST_SHORTCUTS, RETRY_MS, Shortcuts } from '../../src/link/shortcuts.ts'

const THERE = 0x0a000002
const MAC = 0x02000000aa01

function setUp(): { shortcuts: Shortcuts; macs: Map<number, number>; news: string[] } {
  const macs = new Map<number, number>()
  const news: string[] = []
  const shortcuts = new Shortcuts({
    lookUp(destination) {
      news.push('asked')
      return macs.get(destination) ?? -1
    },
    open: (_, mac) => void news.push(`open ${mac.toString(16)}`),
    close: () => void news.push('close')
  })
  return { shortcuts, macs, news }
}

t.test('small packets open no shortcut, and take one that is open', async t => {
  const { shortcuts, macs, news } = setUp()
  macs.set(THERE, MAC)
  t.equal(shortcuts.takes(THERE, false, 0), false)
  t.same(news, [])
  t.equal(shortcuts.takes(THERE, true, 0), false, 'the first goes through the kernel')
  t.same(news, ['asked', 'open 2000000aa01'])
  t.equal(shortcuts.takes(THERE, true, 0), true)
  t.equal(shortcuts.takes(THERE, false, 0), true, 'not past those before it')
  t.equal(shortcuts.takes(THERE + 1, false, 0), false, 'another destination')
})

t.test('now and then one packet goes through the kernel, which is asked again', async t => {
  const { shortcuts, macs, news } = setUp()
  macs.set(THERE, MAC)
  shortcuts.takes(THERE, true, 5)
  t.equal(shortcuts.takes(THERE, true, 5 + HOLDS_MS - 1), true)
  t.equal(shortcuts.takes(THERE, true, 5 + HOLDS_MS), false)
  t.equal(shortcuts.takes(THERE, true, 5 + HOLDS_MS), true)
  t.same(news, ['asked', 'open 2000000aa01', 'asked'])
})

t.test('a neighbour that moves is followed', async t => {
  const { shortcuts, macs, news } = setUp()
  macs.set(THERE, MAC)
  shortcuts.takes(THERE, true, 0)
  macs.set(THERE, MAC + 1)
  shortcuts.takes(THERE, true, HOLDS_MS)
  t.same(news, ['asked', 'open 2000000aa01', 'asked', 'open 2000000aa02'])
})

t.test('a neighbour that the kernel does not know yet is asked for again soon', async t => {
  const { shortcuts, macs, news } = setUp()
  t.equal(shortcuts.takes(THERE, true, 0), false)
  t.equal(shortcuts.takes(THERE, true, RETRY_MS - 1), false)
  t.same(news, ['asked'])
  macs.set(THERE, MAC)
  t.equal(shortcuts.takes(THERE, false, RETRY_MS), false)
  t.equal(shortcuts.takes(THERE, false, RETRY_MS), true)
})

t.test('a neighbour that is lost has its shortcut closed', async t => {
  const { shortcuts, macs, news } = setUp()
  macs.set(THERE, MAC)
  shortcuts.takes(THERE, true, 0)
  macs.clear()
  t.equal(shortcuts.takes(THERE, true, HOLDS_MS), false)
  t.equal(shortcuts.takes(THERE, true, HOLDS_MS), false)
  t.same(news, ['asked', 'open 2000000aa01', 'asked', 'close'])
})

t.test('what is forgotten is closed, and asked for anew', async t => {
  const { shortcuts, macs, news } = setUp()
  macs.set(THERE, MAC)
  shortcuts.takes(THERE, true, 0)
  shortcuts.takes(THERE + 1, true, 0)
  shortcuts.forget()
  t.equal(shortcuts.takes(THERE, false, 0), false)
  t.same(news, ['asked', 'open 2000000aa01', 'asked', 'close'], 'only what was open')
})

t.test('there are no more than so many', async t => {
  const { shortcuts, macs, news } = setUp()
  for (let i = 0; i <= MOST_SHORTCUTS; i++) {
    macs.set(THERE + i, MAC)
    shortcuts.takes(THERE + i, true, 0)
  }
  t.equal(news.filter(each => each === 'close').length, MOST_SHORTCUTS)
  t.equal(shortcuts.takes(THERE + MOST_SHORTCUTS, true, 0), true, 'the latest is there')
})
