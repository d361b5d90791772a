// How a script can end early. All three carry the line; run.ts turns them into the result.

/** The stack did other than the script says. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch'

  constructor(
    message: string,
    /** Lines that follow the message: packets side by side. */
    readonly details: readonly string[] = []
  ) {
    super(message)
  }
}

/** The script asks for something that is not here: it is skipped, with the name of what is missing. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported'
}

/** The script makes no sense. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError'
}
