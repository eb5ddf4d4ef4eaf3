import { isPlainRun } from './plain/line.ts';

// The exit code is set, not forced: output that is still on its way to a pipe arrives.
if ('SuppressedError' in globalThis) {
  void start(process.argv.slice(2)).then((exitCode) => {
    process.exitCode = exitCode;
  });
} else {
  process.stderr.write(
    `error: paddock needs Node 24, and this is ${process.version}\nhint: Put a newer node first on the PATH.\n`,
  );
  process.exitCode = 125;
}

async function start(argv: readonly string[]): Promise<number> {
  if (isPlainRun(argv)) {
    const { plainRun } = await import('./plain/run.ts');
    return plainRun(argv);
  }
  const { paddock } = await import('./program.ts');
  return paddock(argv);
}
