import type { Gateway } from './gateway.ts';

/** Tries to have 500 processes at once, and says what it was told and whether it stayed below 80. */
export const spawnMany = `
import subprocess
alive = []
try:
    while len(alive) < 500:
        alive.append(subprocess.Popen(["sleep", "60"]))
except OSError as error:
    print(error.strerror)
print(len(alive) < 80)
for child in alive:
    child.kill()
`;

/** Runs a Python program, without single quotes, in the sandbox of that id. */
export async function python(gateway: Gateway, id: string, program: string) {
  const body = { command: `exec python3 -c '${program}'` };
  const answer = await gateway.connection.send('POST', '/v1/bash/exec', body, { 'x-sandbox-id': id });
  return JSON.parse(answer.body).data;
}
