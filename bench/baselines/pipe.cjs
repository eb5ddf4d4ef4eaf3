// A command over HTTP in one bash that lives on, over a pipe and with no terminal: the least that a session can cost.
const { spawn } = require('node:child_process');
const { createServer } = require('node:http');
const { json } = require('node:stream/consumers');

const mark = `mark-${process.pid}`;
const bash = spawn('bash', ['--noprofile', '--norc'], { stdio: ['pipe', 'pipe', 'inherit'] });
let output = '';
let finish;
bash.stdout.setEncoding('utf8').on('data', (text) => {
  output += text;
  const end = output.indexOf(`${mark} `);
  if (end < 0 || !output.endsWith('\n')) return;
  finish({ output: output.slice(0, end), exit_code: Number(output.slice(end + mark.length)) });
  output = '';
});

createServer(async (request, response) => {
  const { command } = await json(request);
  const data = await new Promise((resolve) => {
    finish = resolve;
    bash.stdin.write(`${command}\nprintf '${mark} %d\\n' $?\n`);
  });
  const body = JSON.stringify({ success: true, data });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}).listen(process.argv[2], () => console.log('ready'));
