// A link that is silent at times: what comes is not heard, what is sent does not leave. To everybody else it is a host that
// has gone, without so much as a RST.

import type { Link, LinkReceiver, Route, RxBatch, TxBatch } from '../../src/link/link.ts'
import type { RawLink } from '../../src/link/raw.ts'

export class FickleLink implements Link {
  isSilent = false
  readonly #inner: RawLink

  constructor(inner: RawLink) {
    this.#inner = inner
  }

  get name(): string {
    return this.#inner.name
  }

  get guard(): RawLink['guard'] {
    return this.#inner.guard
  }

  get acceptsPartialChecksums(): boolean {
    return this.#inner.acceptsPartialChecksums
  }

  get congested(): boolean {
    return this.#inner.congested
  }

  start(receiver: LinkReceiver): void {
    this.#inner.start({
      packetsArrived: (batch: RxBatch) => {
        if (!this.isSilent) receiver.packetsArrived(batch)
      },
      linkWritable: () => receiver.linkWritable()
    })
  }

  send(batch: TxBatch): void {
    if (!this.isSilent) this.#inner.send(batch)
  }

  route(destination: number): Route {
    return this.#inner.route(destination)
  }

  counters(): ReturnType<RawLink['counters']> {
    return this.#inner.counters()
  }

  close(): void {
    this.#inner.close()
  }
}
