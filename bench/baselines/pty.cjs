// A command over HTTP on a terminal of its own, whose output is counted: a bare loop over node-pty.
const { createServer } = require('node:http');
const { createRequire } = require('node:module');
const { json } = require('node:stream/consumers');
// It is the sandbox server's dependency.
const { spawn } = createRequire(require.resolve('../../packages/sandbox/package.json'))('@lydell/node-pty');

createServer(async (request, response) => {
  const { command } = await json(request);
  const program = spawn('bash', ['-c', `stty -onlcr; ${command}`], { cols: 200, rows: 50, encoding: null });
  let bytes = 0;
  program.onData((data) => {
    bytes += data.length;
  });
  const code = await new Promise((resolve) => program.onExit(({ exitCode }) => resolve(exitCode)));
  const body = JSON.stringify({ success: true, data: { bytes, exit_code: code } });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}).listen(process.argv[2], () => console.log('ready'));
