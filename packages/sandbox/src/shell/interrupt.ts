/** Stops the command of a shell without ending the shell, where that is possible. */
import { foregroundGroup, groupMembers, signal } from '../processes/index.ts';
import type { Execution } from './execution.ts';
import { waitForEnd } from './patience.ts';

/** What is sent, and how long it may take to work. A shell that lost its child asks for the next step soon. */
const steps = [
  { name: 'SIGINT', graceMs: 250 },
  { name: 'SIGTERM', graceMs: 250 },
  { name: 'SIGKILL', graceMs: 250 },
  { name: 'SIGKILL', graceMs: 500 },
] as const;

/** In most cases the command is over by then. */
const promptMs = 40;

/**
 * Interrupts, then terminates, then kills what is in the foreground of the shell's terminal. The shell itself gets an
 * interrupt each time: it drops the rest of the command, so that `a; b` does not go on with b. Resolves with whether the
 * command is over.
 *
 * @param recover has a shell that is back at its prompt report: an interrupt may have made it drop that line as well
 */
export async function interrupt(execution: Execution, shell: number, recover: () => void): Promise<boolean> {
  for (const { name, graceMs } of steps) {
    const group = foregroundGroup(shell);
    // First the shell: an interrupt that came after its child's end could hit the next line that it reads.
    signal(shell, 'SIGINT');
    if (group !== undefined && group !== shell) signal(-group, name);
    // Command substitutions run in the shell's own group.
    else for (const member of groupMembers(shell)) if (member !== shell) signal(member, name);
    if ((await waitForEnd(execution, { timeoutMs: promptMs })) === 'ended') return true;
    recover();
    if ((await waitForEnd(execution, { timeoutMs: graceMs })) === 'ended') return true;
  }
  return false;
}
