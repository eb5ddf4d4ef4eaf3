import type { CommanderError } from 'commander';
import { CliError, ownFailure } from './failure.ts';

/**
 * The exit code for a command line that asked for help, or was given it in the place of a missing command.
 *
 * @throws CliError for one that does not fit.
 */
export function exitCodeOfUsage(error: CommanderError): number {
  // Help and version have been printed; `commander.help` is the help that stands in for a missing command.
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return 0;
  if (error.code === 'commander.help') return ownFailure;
  const [first = '', ...others] = error.message.replace(/^error: /, '').split('\n');
  const meant = others.join(' ').replace(/^\((.*)\)$/, '$1');
  throw new CliError(first, {
    hint: meant || 'See `paddock --help`, or `paddock COMMAND --help`.',
    cause: error,
  });
}
