// What can be made to go wrong between the two ends of a pair: all that a channel does (path/channel.ts), and the plain queue's
// room under names of its own.

import type { ChannelOptions, Filter, Verdict } from './path/channel.ts'
import type { QueueOptions } from './path/queues.ts'

export type { Filter, Verdict }

export interface Impairments extends ChannelOptions {
  /** Room in front of the line, counting the packet that is being sent. A packet that finds it full is lost. */
  readonly queuePackets?: number
  readonly queueBytes?: number
}

/** As a channel takes them; `before` is the queue that holds. */
export function toChannelOptions(changes: Impairments, before: QueueOptions): ChannelOptions {
  const { queuePackets: packets, queueBytes: bytes, ...rest } = changes
  if (packets === undefined && bytes === undefined) return rest
  const queue = {
    ...before,
    ...rest.queue,
    ...(packets !== undefined && { packets }),
    ...(bytes !== undefined && { bytes })
  }
  return { ...rest, queue }
}
