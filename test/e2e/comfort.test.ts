/** What an agent expects of its computer: it can install what it needs, and the usual tools are there. */
import { Sandbox } from '@paddock/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';

describe("the sandbox's user, without any rights", () => {
  let gateway: Gateway;
  let sandbox: Sandbox;
  beforeAll(async () => {
    gateway = await startGateway({ PADDOCK_NETWORK: 'outbound' });
    sandbox = new Sandbox({ baseUrl: gateway.url });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const run = async (command: string) => {
    const { exit_code, output } = await sandbox.shell.exec({ command });
    expect(exit_code, output).toBe(0);
    return output;
  };

  it('installs Python packages, and runs their programs', { timeout: 120_000 }, async () => {
    await run('pip install --quiet cowsay');
    expect(await run('python3 -c "import cowsay; print(cowsay.__file__)"')).toMatch(
      /^\/home\/sandbox\/\.venv\//,
    );
    expect(await run('cowsay -t hello')).toContain('hello');
    expect(await sandbox.sandbox.pythonPackages()).toContainEqual({
      name: 'cowsay',
      version: expect.any(String),
    });
  });

  it('installs programs with npm', { timeout: 120_000 }, async () => {
    await run('npm install --silent -g cowsay');
    expect(await sandbox.sandbox.nodejsPackages()).toContainEqual({
      name: 'cowsay',
      version: expect.any(String),
    });
    expect(await run('~/.local/bin/cowsay moo; command -v cowthink')).toMatch(
      /moo[\s\S]*\/home\/sandbox\/\.local\/bin\/cowthink\n$/,
    );
  });

  it('makes Python environments of its own', async () => {
    expect(
      await run(
        'python3 -m venv --without-pip /tmp/env && /tmp/env/bin/python3 -c "import sys; print(sys.prefix)"',
      ),
    ).toBe('/tmp/env\n');
  });

  it('commits with git before it has told git who it is', async () => {
    await run('git init -q repo && cd repo && echo 1 > a && git add a && git commit -q -m one; cd ..');
    expect(await run('git -C repo log --format=%s:%an')).toBe('one:sandbox\n');
  });

  it('finds curl, jq and rg', async () => {
    expect(
      await run(
        `echo '{"a": [1, 2]}' | jq -c .a | cat; echo needle > hay && rg needle hay | cat; curl --version | head -c 4`,
      ),
    ).toBe('[1,2]\nneedle\ncurl');
  });
});
