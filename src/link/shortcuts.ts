// Which packets may pass by the kernel's IP, in frames of our own, although the address is the host's: those to destinations that are
// reached over one interface, by a neighbour whose hardware address the kernel knows. All others take the way through the kernel, and
// so does one now and then: it is what makes the kernel look for a neighbour, and notice that one has moved.

/** For so long what the kernel has said holds. */
export const HOLDS_MS = 1000
/** So soon the kernel is asked again about a neighbour that it is looking for. */
export const RETRY_MS = 10
/** Then all are forgotten, for a second's work is soon done again. */
export const MOST_SHORTCUTS = 4096

export interface Neighbourhood {
  /** The hardware address to send to, or -1 where there is no shortcut. */
  lookUp(destination: number): number
  /** From now on packets there go to that address. */
  open(destination: number, mac: number): void
  close(destination: number): void
}

interface Shortcut {
  /** -1 for none. */
  mac: number
  until: number
}

export class Shortcuts {
  readonly #neighbourhood: Neighbourhood
  readonly #shortcuts = new Map<number, Shortcut>()

  constructor(neighbourhood: Neighbourhood) {
    this.#neighbourhood = neighbourhood
  }

  /**
   * Whether a packet takes the shortcut. Only a super-segment opens one: for less it is not worth the asking. With `now` the same for all
   * packets of a batch, none overtakes another, if those that do not take it go first.
   */
  takes(destination: number, isLarge: boolean, now: number): boolean {
    const known = this.#shortcuts.get(destination)
    if (known === undefined) {
      if (isLarge) this.#ask(destination, this.#add(destination), now)
      return false
    }
    if (now < known.until) return known.mac >= 0
    this.#ask(destination, known, now)
    return false
  }

  #add(destination: number): Shortcut {
    if (this.#shortcuts.size >= MOST_SHORTCUTS) this.forget()
    const shortcut = { mac: -1, until: 0 }
    this.#shortcuts.set(destination, shortcut)
    return shortcut
  }

  #ask(destination: number, shortcut: Shortcut, now: number): void {
    const mac = this.#neighbourhood.lookUp(destination)
    shortcut.until = now + (mac >= 0 ? HOLDS_MS : RETRY_MS)
    if (mac === shortcut.mac) return
    shortcut.mac = mac
    if (mac >= 0) this.#neighbourhood.open(destination, mac)
    else this.#neighbourhood.close(destination)
  }

  /** The way there may have changed. */
  forget(): void {
    for (const [destination, { mac }] of this.#shortcuts) {
      if (mac >= 0) this.#neighbourhood.close(destination)
    }
    this.#shortcuts.clear()
  }
}
