import { Sandbox } from '@paddock/client';

const workspace = '/mnt/user-data/workspace';

const pythonProgram = `import platform, random, statistics
random.seed(7)
rolls = [random.randint(1, 6) + random.randint(1, 6) for _ in range(100_000)]
print(f"Python {platform.python_version()}: 100,000 rolls of two dice, mean {statistics.mean(rolls):.2f}")
`;

const shellProgram = `echo "bash $BASH_VERSION: the numbers from 1 to 100 add up to $(( 100 * 101 / 2 ))"
`;

/**
 * Creates a conversation's sandbox, runs a small program in it and ends it.
 *
 * @returns what to show the user.
 * @throws {PaddockError} when any of it fails, and an Error when the program did.
 */
export async function demonstrate(baseUrl: string): Promise<string> {
  await using sandbox = await Sandbox.create({ baseUrl, apiKey: process.env.SANDBOX_API_KEY });
  const { detail } = await sandbox.sandbox.context();
  const [interpreter, text] =
    detail.runtime.python.length > 0 ? ['python3', pythonProgram] : ['bash', shellProgram];
  await sandbox.file.write({ file: `${workspace}/demo`, content: text });
  const { output, exit_code } = await sandbox.shell.exec({
    command: `${interpreter} demo`,
    exec_dir: workspace,
  });
  if (exit_code !== 0) throw new Error(`the program ended with exit code ${exit_code}: ${output}`);
  return `A conversation's sandbox was created, and ran this:\n  ${output.trim()}`;
}
