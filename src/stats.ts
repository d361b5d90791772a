// Counters: what happened, by name. Everything that is dropped has a counter of its own.

/** Names and values as a plain object, for people and for exporters. */
export type Counters = Record<string, number>
