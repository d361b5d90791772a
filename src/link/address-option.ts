// An address among a link's options.

import { typeError } from '../errors.ts'
import { parseAddress } from '../wire/address.ts'

/** int32. Throws ERR_INVALID_ARG_TYPE and ERR_INVALID_IP_ADDRESS. */
export function addressOption(name: string, text: unknown): number {
  if (typeof text !== 'string') throw typeError('ERR_INVALID_ARG_TYPE', `The option "${name}" must be a string`)
  const address = parseAddress(text)
  if (address === undefined) throw typeError('ERR_INVALID_IP_ADDRESS', `Invalid IPv4 address: ${text}`)
  return address
}
