import type { Aio } from '../aio/index.ts';
import type { control } from '../bind.ts';
import type { document } from '../document.ts';
import type { provisioner } from '../provisioner.ts';

type Tables = Aio & typeof provisioner & typeof document & typeof control;

/** What a reader has to know of a group before its operations. */
export interface GroupNote<Name = string> {
  readonly title: string;
  readonly intro: string;
  /** The operation whose example is shown for the group: the first unless it says so. None where there is nothing to try. */
  readonly example?: Name | 'none';
}

/** A note for each group of operations. */
export const groupNotes: { readonly [Group in keyof Tables]: GroupNote<keyof Tables[Group]> } = {
  sandbox: {
    title: 'Sandbox',
    intro: 'What a sandbox is and has. Asking neither makes a sandbox nor keeps one alive.',
  },
  shell: {
    title: 'Shell',
    intro:
      'A session is a bash on a terminal of its own: working directory, variables, functions and background jobs ' +
      'persist from one command to the next. Commands of one session run one after the other, those of different ' +
      'sessions at the same time.',
  },
  bash: {
    title: 'Bash',
    intro:
      'A fresh process for each command, with standard output and standard error apart. Of a session only the ' +
      'working directory persists.',
  },
  file: {
    title: 'Files',
    intro:
      'Paths are absolute. A failure has the details in `data`: path, operation, error_type, and the errno of the system.',
    example: 'write',
  },
  service: { title: 'Service', intro: 'The gateway itself. No key is needed.' },
  sandboxes: {
    title: 'Sandboxes',
    intro:
      'Create, find and end sandboxes, each named by an id that the caller chooses. `sandbox_url` of an answer is the ' +
      'base URL under which that sandbox serves the operations under /v1.',
  },
  api: { title: 'Description', intro: 'This reference. No key is needed.' },
  server: {
    title: 'Inside',
    intro: 'What the gateway alone asks of a sandbox server. It cannot be reached through the gateway.',
    example: 'none',
  },
};
