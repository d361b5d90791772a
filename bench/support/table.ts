// Columns under headings, for a terminal.

export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  /** Columns whose cells end in one line. */
  numbers: ReadonlySet<number>
): string {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map(row => row[i].length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (numbers.has(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join('  ')
      .trimEnd()
  return [line(headings), line(widths.map(width => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
