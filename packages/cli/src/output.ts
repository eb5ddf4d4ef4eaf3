import type { BashExecResult } from '@paddock/protocol';
import { CliError } from './failure.ts';

/** Writes to standard output, all of it. A reader that has left (`paddock … | head`) is no failure. */
export function print(text: string): Promise<void> {
  return write(process.stdout, text);
}

/** Prints what a command wrote, or all that is known of it as JSON, and gives its exit code. */
export async function printResult(id: string, result: BashExecResult, json: boolean): Promise<number> {
  const { status, exit_code, stdout, stderr } = result;
  if (json) {
    await print(`${JSON.stringify({ sandbox_id: id, status, exit_code, stdout, stderr })}\n`);
  } else {
    await Promise.all([print(stdout), write(process.stderr, stderr)]);
  }
  warnWhenShort('standard output', stdout, result.offset);
  warnWhenShort('standard error', stderr, result.stderr_offset);
  return exitCodeOf(result);
}

function exitCodeOf({ status, exit_code }: BashExecResult): number {
  switch (status) {
    case 'completed':
      return exit_code ?? 1;
    // As `timeout` and a shell tell these.
    case 'timed_out':
      return 124;
    case 'killed':
      return exit_code ?? 137;
    case 'pending':
    case 'running':
      throw new CliError('the sandbox answered before the command had ended', {
        hint: 'It still runs there: look for it with `paddock exec ID -- ps -ef`.',
      });
  }
}

/** The sandbox keeps the beginning and the end of very long output. */
function warnWhenShort(name: string, text: string, limitBytes: number): void {
  const missing = limitBytes - Buffer.byteLength(text);
  if (missing > 0)
    process.stderr.write(`warning: ${missing} of ${limitBytes} bytes of ${name} were not kept\n`);
}

function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => (isClosedPipe(error) ? resolve() : reject(error));
    // The event follows the callback of a write that failed, and without a listener would end the process.
    stream.once('error', failed);
    stream.write(text, (error) => {
      if (error) return failed(error);
      stream.off('error', failed);
      resolve();
    });
  });
}

function isClosedPipe(error: Error): boolean {
  return 'code' in error && error.code === 'EPIPE';
}
