// What the kernel does for super-segments, and what is said where it does not.

let isTold = false

/** Once in a process: all works as it did, only slower. */
export function checkOffload(wanted: boolean, has: boolean, interfaceName: string): void {
  if (!wanted || has || isTold) return
  isTold = true
  process.emitWarning(
    `The kernel takes no super-segments on ${interfaceName}: each segment goes by itself, and bulk is slower`,
    {
      type: 'OffloadWarning',
      code: 'RAWTCP_NO_OFFLOAD',
      detail: 'offload: false leaves it out, and says nothing. `rawtcp doctor` shows which flags this kernel knows.'
    }
  )
}
