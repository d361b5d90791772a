// Users of one stack, each with a connection and a mood: what it does, and when it has enough, is up to chance.

import type { Connection, Listener, Stack } from '../../src/index.ts'
import type { Random } from '../../src/random.ts'

/** How a user leaves. */
const MOODS = ['whole', 'half-closed', 'reset', 'unread', 'abandoned'] as const
type Mood = (typeof MOODS)[number]

/** How the stack says that it ended. */
const ENDS = ['ETIMEDOUT', 'ECONNRESET'] as const

const MOST_BYTES = 60_000
const MOST_PATIENCE_MS = 1500
/** An abandoned connection is cleared away some time, as a program's end would. */
const ABANDONED_MS = 4000
const TEXT = new Uint8Array(MOST_BYTES).fill(0x2e)

interface User {
  readonly connection: Connection
  readonly mood: Mood
  toWrite: number
  timer: NodeJS.Timeout | undefined
}

export class Crowd {
  readonly #users = new Set<User>()
  readonly #counts = new Map<string, number>()

  constructor(
    readonly name: string,
    readonly stack: Stack,
    readonly random: Random
  ) {}

  get summary(): string {
    return [...this.#counts].map(([what, count]) => `${count} ${what}`).join(', ')
  }

  /** What should have happened to some connection, and did not. */
  get missing(): string[] {
    return [...MOODS, ...ENDS, 'accepted', 'opened'].filter(what => !this.#counts.has(what))
  }

  listen(address: string): Listener {
    return this.stack.listen({ port: 0, address }, connection => {
      this.#count('accepted')
      this.#welcome(connection)
    })
  }

  /** Opens connections to the ports until there are so many. */
  keepUp(together: number, address: string, ports: readonly number[]): void {
    while (this.#users.size < together) {
      const port = ports[this.random.int(ports.length)]
      this.#count('opened')
      this.#welcome(this.stack.connect({ address, port }))
    }
  }

  /** Those who are still here leave at once. */
  goHome(): void {
    for (const user of [...this.#users]) {
      if (this.random.chance(0.5)) user.connection.abort()
      else user.connection.close()
    }
  }

  #welcome(connection: Connection): void {
    const { random } = this
    const mood = MOODS[random.int(MOODS.length)]
    const user: User = { connection, mood, toWrite: random.int(MOST_BYTES), timer: undefined }
    this.#users.add(user)
    this.#count(mood)
    const enough = mood === 'abandoned' ? ABANDONED_MS : random.int(MOST_PATIENCE_MS)
    user.timer = setTimeout(() => this.#leave(user), enough)
    connection.handlers = {
      connected: () => this.#write(user),
      writable: () => this.#write(user),
      readable: () => {
        if (mood !== 'unread' && mood !== 'abandoned') drain(connection)
      },
      ended: () => {
        if (mood === 'whole') connection.close()
      },
      closed: (_, error) => {
        this.#count(error?.code ?? 'closed in order')
        clearTimeout(user.timer)
        this.#users.delete(user)
      }
    }
    if (connection.state === 'ESTABLISHED') this.#write(user)
  }

  #write(user: User): void {
    const { connection } = user
    if (user.toWrite > 0 && connection.state !== 'SYN-SENT') {
      try {
        user.toWrite -= connection.write(TEXT.subarray(0, user.toWrite))
      } catch {
        user.toWrite = 0 // it has been closed meanwhile
      }
    }
    if (user.toWrite === 0 && user.mood === 'half-closed') connection.shutdown()
  }

  #leave({ connection, mood }: User): void {
    if (mood === 'reset' || mood === 'abandoned') connection.abort()
    else connection.close()
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1)
  }
}

function drain(connection: Connection): void {
  while (connection.read() !== undefined);
}
