/**
 * Makes the sandbox server lie: whoever runs as its user may debug it, and so make it do anything. From then on requests
 * for `/v1/lie/NAME` are answered with the lie of that name, others as before.
 */
const { readdirSync, readFileSync } = require('node:fs');
const { setTimeout: delay } = require('node:timers/promises');

/** Runs in the server, so that it can use nothing of this file. */
function takeOver() {
  const { gzipSync } = process.getBuiltinModule('node:zlib');
  let sentBytes = 0;
  let activity;
  const ok = (body, ...headers) =>
    ['HTTP/1.1 200 OK', `content-length: ${body.length}`, ...headers, '', body].join('\r\n');
  const block = 'x'.repeat(65_536);
  const flood = (socket) => {
    do sentBytes += block.length;
    while (!socket.destroyed && socket.write(`10000\r\n${block}\r\n`));
  };
  const print = (text, times) => {
    for (let i = 0; i < times; i += 1) process.stderr.write(text);
  };
  const lies = {
    headers: (socket, { rawHeaders }) => socket.write(ok(JSON.stringify(rawHeaders))),
    sent: (socket) => socket.write(ok(String(sentBytes))),
    busy: (socket) => {
      activity = (response) => response.end('{"idle_seconds":0}');
      socket.write(ok('busy'));
    },
    'endlessly-busy': (socket) => {
      activity = (response) => {
        response.on('error', () => {});
        const more = () => {
          while (!response.destroyed && response.write(block));
        };
        response.on('drain', more);
        more();
      };
      socket.write(ok('busy'));
    },
    // More than one string can hold.
    'print-line': () => print('x'.repeat(65_536), 10_240),
    'print-lines': () => print('abc\n'.repeat(16_384), 10_240),
    'print-forged': (socket) => {
      print('{"level":60,"msg":"forged"}\r{"level":60,"msg":"forged"}\n', 1);
      socket.write(ok('printed'));
    },
    'long-header': (socket) => socket.end(ok('', `x: ${'a'.repeat(1024 * 1024)}`)),
    'many-headers': (socket) => socket.end(ok('', ...Array.from({ length: 5_000 }, (_, i) => `x${i}: ${i}`))),
    'endless-body': (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      socket.on('drain', () => flood(socket));
      flood(socket);
    },
    'switch-unasked': (socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nsmuggled'),
    'second-answer': (socket) => socket.write(ok('first') + ok('smuggled')),
    'late-answer': (socket) =>
      socket.write(ok('first'), () => setImmediate(() => socket.write(ok('smuggled')))),
    'length-and-chunks': (socket) =>
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${ok('smuggled')}`,
      ),
    'two-lengths': (socket) =>
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 60\r\n\r\n${ok('smuggled')}`),
    'no-http': (socket) => socket.end('hello\r\n\r\n'),
    'status-of-four': (socket) => socket.end('HTTP/1.1 1000 Odd\r\ncontent-length: 0\r\n\r\n'),
    'status-too-low': (socket) => socket.end('HTTP/1.1 001 Odd\r\ncontent-length: 0\r\n\r\n'),
    'bare-line-ends': (socket) => socket.end('HTTP/1.1 200 OK\nx: a\n\n'),
    'folded-header': (socket) =>
      socket.end('HTTP/1.1 200 OK\r\nx: a\r\n set-cookie: b\r\ncontent-length: 0\r\n\r\n'),
    'hang-up': (socket) => socket.destroy(),
    'short-body': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort'),
    'bad-chunks': (socket) =>
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nsmuggled'),
    hints: (socket) =>
      socket.write('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'.repeat(20_000) + ok('at last')),
    bomb: (socket) => {
      const body = gzipSync(Buffer.alloc(256 * 1024 * 1024));
      socket.write(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`);
      socket.write(body);
    },
  };
  const server = process._getActiveHandles().find((handle) => handle.listening);
  const [honest] = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    const { socket, url } = request;
    const lie = lies[/^\/v1\/lie\/([\w-]+)/.exec(url)?.[1]];
    if (lie) {
      lie(socket, request);
      response.emit('finish'); // So that the next request on the connection gets its answer.
    } else if (activity && url === '/activity') {
      activity(response);
    } else {
      honest(request, response);
    }
  });
}

async function main() {
  const isServer = (pid) => lineOf(pid).startsWith('/opt/paddock/bin/node\0/opt/paddock/server/');
  process.kill(Number(readdirSync('/proc').find(isServer)), 'SIGUSR1');
  const debug = new WebSocket(await debuggerUrl());
  await new Promise((resolve) => debug.addEventListener('open', resolve));
  const answered = new Promise((resolve) => debug.addEventListener('message', ({ data }) => resolve(data)));
  const params = { expression: `(${takeOver})()` };
  debug.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params }));
  console.log(await answered);
  process.exit();
}

async function debuggerUrl() {
  for (;;) {
    try {
      const [target] = await (await fetch('http://127.0.0.1:9229/json/list')).json();
      return target.webSocketDebuggerUrl;
    } catch {
      await delay(20); // It does not listen yet.
    }
  }
}

function lineOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // No process, or one that has ended.
  }
}

main();
