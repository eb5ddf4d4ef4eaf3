/** The one place where the command line says what went wrong. */
import { Interrupted, ownFailure } from './failure.ts';
import { ClosedPipe } from './output.ts';

/**
 * Does the work and gives its exit code. A failure is printed as one line `error: …` and one line `hint: …` on standard
 * error, and has an exit code of its own.
 */
export async function reported(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    return reportFailure(error);
  }
}

function reportFailure(error: unknown): number {
  // Thrown when a clean-up failed after the work had: the first failure is the one to mend.
  if (error instanceof SuppressedError) return reportFailure(error.suppressed);
  if (error instanceof Interrupted) return error.exitCode;
  if (error instanceof ClosedPipe) return 0; // It has seen what it wanted.
  const message = error instanceof Error ? error.message : String(error);
  if (hasHint(error)) return print(message, error.hint);
  if (isOfSystem(error))
    return print(message, 'Check the path, what you may do there, and the space that is left.');
  if (error instanceof Error && process.env.PADDOCK_LOG_LEVEL === 'debug') console.error(error.stack);
  return print(
    message,
    'This is a fault of paddock itself: report it with what PADDOCK_LOG_LEVEL=debug shows.',
  );
}

function print(message: string, hint: string): number {
  process.stderr.write(`error: ${oneLine(message)}\nhint: ${oneLine(hint)}\n`);
  return ownFailure;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*[\r\n]+\s*/g, ' ');
}

function hasHint(error: unknown): error is Error & { readonly hint: string } {
  return error instanceof Error && 'hint' in error && typeof error.hint === 'string' && error.hint !== '';
}

/** A refusal of the operating system, such as for a file of this machine. */
function isOfSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'path' in error;
}
