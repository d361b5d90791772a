/** A file each, which exports `fuzz(bytes)`. */
export const TARGETS = ['headers', 'options', 'reassembly', 'arrival'] as const
