/** The native part of node-pty, which has no types of its own. */
declare module '@lydell/node-pty/requireBinary.js' {
  export interface NativePty {
    fork(
      file: string,
      args: string[],
      env: string[],
      dir: string,
      columns: number,
      rows: number,
      uid: number,
      gid: number,
      isUtf8: boolean,
      helperPath: string,
      onExit: (exitCode: number, signal?: number) => void,
    ): { readonly fd: number; readonly pid: number; readonly pty: string };
    resize(fd: number, columns: number, rows: number): void;
  }

  /** Loads the part for this platform. Throws when its package is not there. */
  export function requireBinary(file: 'pty.node'): NativePty;
}
