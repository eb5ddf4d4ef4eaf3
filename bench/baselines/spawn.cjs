// A command over HTTP in a bash of its own.
const { spawn } = require('node:child_process');
const { createServer } = require('node:http');
const { json, text } = require('node:stream/consumers');

createServer(async (request, response) => {
  const { command } = await json(request);
  const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  const body = JSON.stringify({ success: true, data: { stdout, stderr, exit_code: code } });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}).listen(process.argv[2], () => console.log('ready'));
