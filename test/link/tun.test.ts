// The TUN driver against the kernel, in a network namespace of its own: what it makes, and that nothing of it stays.

import t from 'tap'
import { Namespace } from '../support/netns.ts'
import { unless, unlessPrivileged, unlessPrograms } from '../support/privileges.ts'

const skip = unlessPrivileged() || unless(process.getuid?.() === 0, 'needs root') || unlessPrograms('ip')

const rows = [
  {
    work: 'creates',
    what: 'the device is made, addressed and routed, carries an MTU and a queue of its own, and goes with the link',
    seen: {
      echoed: 1_000_000,
      address: '10.97.0.1/24',
      mtu: 1400,
      queuePackets: 3000,
      route: '10.96.0.0/16 dev made0 proto static scope link',
      isThere: true,
      isGone: true
    }
  },
  {
    work: 'plain',
    what: 'without offload every packet comes with whole checksums, and those that follow one another are joined',
    seen: { isSame: true, receivedChecksumPartial: 0, receivedChecksumBad: 0, isJoined: true }
  },
  {
    work: 'apart',
    what: 'where joining is not wanted, no packet is larger than the MTU',
    seen: { isSame: true, receivedChecksumPartial: 0, receivedChecksumBad: 0, isJoined: false }
  },
  {
    work: 'givesAway',
    what: 'a reader is given the memory that large text has come in, which no later packet overwrites; a batch ends after 256 KiB',
    seen: { isSame: true, given: true, isPrompt: true, fillsHalf: true }
  },
  {
    work: 'givesAwayJoined',
    what: 'so it is with segments that were joined',
    seen: { isSame: true, given: true, isPrompt: true, fillsHalf: true }
  },
  {
    work: 'copiesSmall',
    what: 'and where nothing is joined, all is copied',
    seen: { isSame: true, given: false, isPrompt: true, fillsHalf: true }
  },
  {
    work: 'fallsBack',
    what: 'a device without virtio headers does, and a warning says so once',
    seen: { has: [false, false], seen: ['RAWTCP_NO_OFFLOAD'] }
  },
  {
    work: 'doesWithout',
    what: 'and says nothing where no offload is wanted',
    seen: { has: [false, false], seen: [] }
  },
  {
    work: 'existing',
    what: 'a device that somebody else has set up is used, and stays',
    seen: { echoed: 1000, isKept: true }
  },
  { work: 'killed', what: 'SIGKILL leaves no device behind', seen: { wasThere: true, isGone: true } },
  { work: 'connects', what: 'our stack as client of a program on the kernel', seen: { echoed: 300_000 } },
  {
    work: 'downAndUp',
    what: 'a device that is taken down loses packets, which are counted, and no connection',
    seen: { before: 'before', after: 'lost at first' }
  },
  {
    work: 'refusals',
    what: 'what cannot be is refused by a code',
    seen: {
      taken: 'EBUSY',
      twice: 'EINVAL',
      address: 'ERR_INVALID_IP_ADDRESS',
      route: 'ERR_INVALID_ARG_VALUE',
      descriptor: 'EINVAL',
      unknown: 'ERR_INVALID_ARG_VALUE',
      long: 'EINVAL',
      isGone: true
    }
  }
]

for (const { work, what, seen } of rows) {
  t.test(what, { skip }, async t => {
    const namespace = new Namespace()
    t.teardown(() => namespace.remove())
    const child = `${import.meta.dirname}/tun-device.child.ts`
    t.same(JSON.parse(namespace.run(process.execPath, '--import=tsx', child, work)), seen)
  })
}
