// A binary heap: the element that comes first by `before` is at hand, adding and removing cost O(log n).

export class Heap<T> {
  #items: T[] = []
  readonly #before: (a: T, b: T) => boolean

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#before(item, items[parent])) break
      items[at] = items[parent]
      at = parent
    }
    items[at] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (items.length > 0) this.#sink(last as T, 0)
    return first
  }

  clear(): void {
    this.#items.length = 0
  }

  /** Drops what `keep` refuses. */
  retain(keep: (item: T) => boolean): void {
    this.#items = this.#items.filter(keep)
    for (let at = (this.#items.length >> 1) - 1; at >= 0; at--) this.#sink(this.#items[at], at)
  }

  #sink(item: T, at: number): void {
    const items = this.#items
    const size = items.length
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && this.#before(items[child + 1], items[child])) child++
      if (!this.#before(items[child], item)) break
      items[at] = items[child]
      at = child
    }
    items[at] = item
  }
}
