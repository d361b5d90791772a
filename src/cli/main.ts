#!/usr/bin/env node
// The command `rawtcp`.

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { demoCommand } from './demo.ts'
import { doctorCommand } from './doctor.ts'
import { echoCommand } from './echo.ts'
import { EXIT_CODES_HELP, report } from './exit.ts'
import { packetdrillCommand } from './packetdrill.ts'
import { tolerateClosedOutput } from './process.ts'
import { simCommand } from './sim.ts'
import { telnetCommand } from './telnet.ts'

function program(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const root = new Command('rawtcp')
    .description('A TCP/IPv4 stack of its own, on raw sockets, beside the one of the kernel.')
    .version(version, '-V, --version', 'print the version')
    .addHelpText('after', `\n\`rawtcp help <command>\` has examples of each.\n${EXIT_CODES_HELP}`)
  for (const command of [
    demoCommand(),
    echoCommand(),
    telnetCommand(),
    doctorCommand(),
    packetdrillCommand(),
    simCommand()
  ])
    root.addCommand(command.copyInheritedSettings(root))
  for (const command of [root, ...root.commands]) command.exitOverride().showHelpAfterError('(--help shows how)')
  return root
}

tolerateClosedOutput()
try {
  await program().parseAsync()
} catch (error) {
  process.exitCode = report(error)
}
