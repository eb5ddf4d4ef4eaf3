import { paddock } from './program.ts';
import { reportFailure } from './report.ts';

// The exit code is set, not forced: output that is still on its way to a pipe arrives.
if ('SuppressedError' in globalThis) {
  paddock(process.argv.slice(2)).then(
    (exitCode) => {
      process.exitCode = exitCode;
    },
    (error: unknown) => {
      process.exitCode = reportFailure(error);
    },
  );
} else {
  process.stderr.write(
    `error: paddock needs Node 24, and this is ${process.version}\nhint: Put a newer node first on the PATH.\n`,
  );
  process.exitCode = 125;
}
