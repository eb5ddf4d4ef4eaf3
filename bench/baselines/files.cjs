// Files over HTTP with the least that Node needs: a read, a write, bytes up and down, and a program that looks for files.
const { spawn } = require('node:child_process');
const { createReadStream, createWriteStream } = require('node:fs');
const { readFile, stat, writeFile } = require('node:fs/promises');
const { createServer } = require('node:http');
const { json, text } = require('node:stream/consumers');
const { pipeline } = require('node:stream/promises');

function answer(response, data) {
  const body = JSON.stringify({ success: true, data });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

const handlers = {
  async read(request, response) {
    const { file } = await json(request);
    answer(response, { content: await readFile(file, 'utf8'), file });
  },
  async write(request, response) {
    const { file, content } = await json(request);
    await writeFile(file, content);
    answer(response, { file });
  },
  async up(request, response, path) {
    await pipeline(request, createWriteStream(path));
    answer(response, { path });
  },
  async down(_request, response, path) {
    response.writeHead(200, { 'content-length': (await stat(path)).size });
    await pipeline(createReadStream(path), response);
  },
  async run(request, response) {
    const [program, ...args] = (await json(request)).command;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    answer(response, { output: await text(child.stdout) });
  },
};

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  void handlers[pathname.slice(1)](request, response, searchParams.get('path'));
}).listen(process.argv[2], () => console.log('ready'));
