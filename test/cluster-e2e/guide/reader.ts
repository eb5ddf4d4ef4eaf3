/** Somebody who follows the guide: a checkout of their own, a shell, and the commands as they are written. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { CommandFailed, type Finished, runToEnd } from '../../cluster/command.ts';
import { openTerminal, type Terminal } from '../terminal.ts';
import { cases, type Part, type Placeholder, placeholders } from './cases.ts';
import { readGuide, type Section } from './guide.ts';
import type { Place } from './place.ts';

const root = join(import.meta.dirname, '../../..');

/** How a command of the guide is run. */
interface Following {
  /** What stands for the placeholders of the command: each of its own, and no other. */
  readonly with?: Readonly<Partial<Record<Placeholder, string>>>;
  /** What it ends with; 0 unless said otherwise. */
  readonly exitCode?: number;
}

/** Disposing of it removes the checkout. */
export interface Reader extends Disposable {
  /** Files of the repository that nobody else uses: the reader may edit them. */
  readonly checkout: string;
  /** Makes an empty folder beside the checkout, and says where. */
  folder(name: string): string;
  /** Runs a command of a section, as it is written there, to its end. `cd` holds for the commands after it. */
  run(section: string, command: string, following?: Following): Promise<Finished>;
  /** The same in a terminal, for a command that its reader ends or answers. */
  open(section: string, command: string, following?: Following): Terminal;
  /** The one block of a section in that language. */
  shown(section: string, language: string): string;
  /** The commands of this part of the guide that nobody has run yet. */
  missed(): string[];
}

/** @param part whose commands are to be run; those of others may be, too */
export function startReading(part: Part, place: Place): Reader {
  const home = mkdtempSync(join(tmpdir(), 'guide-'));
  const checkout = join(home, 'paddock');
  const leaveOut = ['node_modules', '.git', 'dist', 'test'];
  cpSync(root, checkout, { recursive: true, filter: (path) => !leaveOut.includes(basename(path)) });
  const guide = readGuide();
  const done = new Set<string>();
  let folder = part === 'quick-start' ? checkout : join(checkout, 'docker/k8s');

  const prepare = (section: string, command: string, following: Following) => {
    const { commands, inline } = sectionOf(guide, section);
    if (![...commands, ...inline].includes(command)) {
      throw new Error(
        `the guide's section ${section} has no such command: ${command}\n${commands.join('\n')}`,
      );
    }
    done.add(`${section}: ${command}`);
    return replaced(command, following.with ?? {});
  };

  return {
    checkout,
    folder(name) {
      mkdirSync(join(home, name), { recursive: true });
      return join(home, name);
    },
    async run(section, command, following = {}) {
      const line = prepare(section, command, following);
      const options = { cwd: folder, env: place.env, timeoutMs: 240_000 };
      if (line.startsWith('cd ')) {
        const finished = await runToEnd(['bash', '-c', `${line} && pwd`], options);
        folder = finished.stdout.trim();
        return finished;
      }
      const finished = await runToEnd(['bash', '-c', line], options);
      const { exitCode = 0 } = following;
      if (finished.exitCode !== exitCode) {
        throw new CommandFailed([line], `exit code ${finished.exitCode} in place of ${exitCode}`, finished);
      }
      return finished;
    },
    open: (section, command, following = {}) =>
      openTerminal(['bash', '-c', prepare(section, command, following)], { cwd: folder, env: place.env }),
    shown(section, language) {
      const blocks = sectionOf(guide, section).shown.filter((block) => block.language === language);
      if (blocks.length !== 1 || !blocks[0])
        throw new Error(`${section} has ${blocks.length} ${language} blocks`);
      return blocks[0].text;
    },
    missed: () =>
      guide
        .filter(({ path }) => cases[path] === part)
        .flatMap(({ path, commands }) => commands.map((command) => `${path}: ${command}`))
        .filter((command) => !done.has(command)),
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}

function sectionOf(guide: readonly Section[], path: string): Section {
  const found = guide.find((section) => section.path === path);
  if (!found) throw new Error(`the guide has no section ${path}`);
  return found;
}

function replaced(command: string, values: Readonly<Partial<Record<Placeholder, string>>>): string {
  let line = command;
  for (const placeholder of placeholders) {
    const value = values[placeholder];
    if (command.includes(placeholder) !== (value !== undefined)) {
      throw new Error(
        value === undefined
          ? `${command}: what stands for ${placeholder}?`
          : `${command} has no ${placeholder}`,
      );
    }
    if (value !== undefined) line = line.replaceAll(placeholder, value);
  }
  return line;
}
