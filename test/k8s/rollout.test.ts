/** How setup.sh reads what a cluster says, without one. */
import { describe, expect, it } from 'vitest';
import { runParts } from './folder.ts';

/** What lines of the script print for a state of the rollout, given as the fields of its lines. */
function read(lines: string, rollout: readonly (readonly string[])[]): string {
  const input = rollout.map((fields) => `${fields.join('\t')}\n`).join('');
  const { stdout, stderr } = runParts(`cat >"$work/rollout"\n${lines}`, { input });
  expect(stderr).toBe('');
  return stdout.trimEnd();
}

const name = 'deer-flow-sandbox';
const pending = ['pod', 'a', name, 'Pending'];
const running = ['pod', 'a', name, 'Running'];

describe('why sandboxes do not get ready', () => {
  it.each([
    ['nothing, while they take their time', [pending, ['waiting', 'a', 'ContainerCreating: ']], ''],
    [
      'an image that cannot be pulled',
      [pending, ['waiting', 'a', 'ImagePullBackOff: x']],
      'ImagePullBackOff: x',
    ],
    ['a pod that is refused', [['failure', name, 'FailedCreate: quota']], 'FailedCreate: quota'],
    [
      'a volume that cannot be mounted',
      [pending, ['event', 'a', 'FailedMount', 'FailedMount: x']],
      'FailedMount: x',
    ],
    [
      'not the keys, which the first gateway writes',
      [pending, ['event', 'a', 'FailedMount', 'FailedMount: configmap "paddock-keys" not found']],
      '',
    ],
    ['not a mount that has been made since', [running, ['event', 'a', 'FailedMount', 'FailedMount: x']], ''],
    ['a probe', [running, ['event', 'a', 'Unhealthy', 'Unhealthy: refused']], 'Unhealthy: refused'],
    [
      'not a probe of a pod that is ready now',
      [
        ['pod', 'a', name, 'ready'],
        ['event', 'a', 'Unhealthy', 'Unhealthy: x'],
      ],
      '',
    ],
    ['no room', [pending, ['waiting', 'a', 'Unschedulable: full']], 'Unschedulable: full'],
    [
      'not a node that is on its way',
      [
        pending,
        ['waiting', 'a', 'Unschedulable: full'],
        ['event', 'a', 'TriggeredScaleUp', 'TriggeredScaleUp: 1'],
      ],
      '',
    ],
    [
      'not what another Deployment has',
      [
        ['pod', 'b', 'deer-flow-gateway', 'Pending'],
        ['waiting', 'b', 'ErrImagePull: x'],
      ],
      '',
    ],
  ])('%s', (_, rollout, said) => {
    expect(read(`trouble_of ${name}`, rollout)).toBe(said);
  });
});

describe('what is on the cluster under names of setup.sh', () => {
  it.each([
    ['setup', 'paddock', false],
    ['setup', '-', false],
    ['-', 'paddock', false],
    ['-', '-', true],
    ['-', 'postgres', true],
    ['helm', '-', true],
  ])("made by %s as a part of %s: somebody else's is %s", (mark, part, is) => {
    const lines = `cp "$work/rollout" "$work/existing"; if is_anothers service.a; then echo true; else echo false; fi`;
    expect(read(lines, [[`service.a ${mark} ${part} 1`]])).toBe(String(is));
  });
});
