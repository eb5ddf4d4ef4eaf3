import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Result } from './tally.ts';

/** Runs a program as one check: it passes when it exits with 0. What it printed is told only when it fails. */
export async function runCommand(program: string, args: readonly string[]): Promise<Result> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) =>
      resolve(code === 0 ? '' : `${program}: ended with ${signal ?? code}`),
    );
  });
  const [fault, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return fault === ''
    ? { tally: { passed: 1, failed: 0, skipped: 0 }, report: '' }
    : { tally: { passed: 0, failed: 1, skipped: 0 }, report: `${out}${err}${fault}\n` };
}
