// Which wire leads where: shortest paths from every node to every host, fixed when the first packet leaves. Only routers pass
// packets on; a cut link does not change any path.

import { Heap } from '../heap.ts'

export interface Edge {
  readonly from: number
  readonly to: number
  /** Of the whole link; the path with the smallest sum is taken. */
  readonly cost: number
}

/**
 * For each node, by the number of the destination: the edge that begins the shortest path there, -1 for none. Of paths that
 * cost the same, the one whose edge was added first.
 */
export function shortestPaths(
  isRouter: readonly boolean[],
  edges: readonly Edge[],
  hosts: readonly number[]
): Int32Array[] {
  const nodes = isRouter.length
  const into: number[][] = Array.from({ length: nodes }, () => [])
  edges.forEach(({ to }, index) => void into[to].push(index))
  const first = Array.from({ length: nodes }, () => new Int32Array(nodes).fill(-1))
  for (const destination of hosts) {
    const cost = new Float64Array(nodes).fill(Infinity)
    cost[destination] = 0
    const open = new Heap<{ node: number; cost: number }>(
      (a, b) => a.cost < b.cost || (a.cost === b.cost && a.node < b.node)
    )
    open.push({ node: destination, cost: 0 })
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next.cost > cost[next.node]) continue
      if (next.node !== destination && !isRouter[next.node]) continue
      for (const index of into[next.node]) {
        const { from, cost: step } = edges[index]
        const total = next.cost + step
        const isShorter = total < cost[from]
        if (!isShorter && !(total === cost[from] && index < first[from][destination])) continue
        first[from][destination] = index
        if (!isShorter) continue
        cost[from] = total
        open.push({ node: from, cost: total })
      }
    }
  }
  return first
}
