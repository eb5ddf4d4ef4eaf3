import { atPath, type ConnectionOptions, connectionTo, type Methods, methodsOf } from '@paddock/client/parts';
import { bash } from '@paddock/protocol/bash';

type Bash = Methods<{ bash: typeof bash }>['bash'];
type File = Methods<{ file: typeof import('@paddock/protocol/file').file }>['file'];

/** A sandbox as commands are run in it. Of the tables, those that most commands do without are loaded when they are used. */
export interface Box {
  readonly id: string;
  readonly bash: Bash;
  file(): Promise<File>;
}

/** The sandbox of an id, which must exist. Sends nothing yet. */
export function boxOf(options: ConnectionOptions, id: string): Box {
  const connection = connectionTo(atPath(options, id));
  return {
    id,
    bash: methodsOf({ bash }, connection).bash,
    async file() {
      const { file } = await import('@paddock/protocol/file');
      return methodsOf({ file }, connection).file;
    },
  };
}
