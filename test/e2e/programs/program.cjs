/** A program as people run them in a sandbox: pages, events, large bodies, and WebSockets. `node program.cjs PORT [HOST]`. */
const { createHash } = require('node:crypto');
const { createServer } = require('node:http');

const [port, host = '127.0.0.1'] = process.argv.slice(2);
const block = Buffer.alloc(64 * 1024, 'x');
/** The answer that /events left open, to which /say adds. */
let events;

const routes = {
  '/echo': (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, rawHeaders } = request;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ method, url, rawHeaders, body: Buffer.concat(chunks).toString() }));
    });
  },
  '/page': (_, response) => {
    response.setHeader('content-type', 'text/html');
    response.setHeader('set-cookie', ['session=1; Path=/; Domain=localhost', 'other=2']);
    response.end('<script>alert(1)</script>');
  },
  '/moved': (_, response) => response.writeHead(302, { location: '/page' }).end(),
  '/events': (_, response) => {
    events = response.writeHead(200, { 'content-type': 'text/event-stream' });
    events.flushHeaders();
    events.on('close', () => {
      events = undefined;
    });
  },
  '/say': (request, response) => {
    events?.write(`data: ${new URL(request.url, 'http://p').searchParams.get('text')}\n\n`);
    response.end(String(events !== undefined));
  },
  '/sink': (request, response) => {
    let bytes = 0;
    request.on('data', (chunk) => {
      bytes += chunk.length;
    });
    request.on('end', () => response.end(String(bytes)));
  },
  '/blocks': (request, response) => {
    let left = Number(new URL(request.url, 'http://p').searchParams.get('count'));
    const more = () => {
      while (left > 0) {
        left -= 1;
        if (!response.write(block)) return response.once('drain', more);
      }
      response.end();
    };
    more();
  },
  '/hang-up': (request) => request.socket.destroy(),
  '/no-http': (request) => request.socket.end('hello\r\n\r\n'),
  '/half': (request, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('half', () => request.socket.destroy());
  },
};

const server = createServer((request, response) => {
  const route = routes[new URL(request.url, 'http://program').pathname] ?? routes['/echo'];
  route(request, response);
});

server.on('upgrade', (request, socket) => {
  if (request.url !== '/socket') {
    socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno');
    return;
  }
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  socket.write([...head, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n'));
  socket.on('error', () => socket.destroy());
  let received = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    for (let frame = readFrame(received); frame; frame = readFrame(received)) {
      received = received.subarray(frame.size);
      if (frame.opcode === 8) socket.end(frameOf(8, frame.payload));
      else if (String(frame.payload) === 'close me')
        socket.end(frameOf(8, Buffer.from('\x0f\xa1bye', 'latin1')));
      else socket.write(frameOf(frame.opcode, frame.payload));
    }
  });
});

/** Short frames only (RFC 6455, 5.2): enough for an echo. */
function readFrame(bytes) {
  if (bytes.length < 6) return undefined;
  const length = bytes[1] & 0x7f;
  const size = 6 + length;
  if (bytes.length < size) return undefined;
  const mask = bytes.subarray(2, 6);
  const payload = Buffer.from(bytes.subarray(6, size).map((byte, i) => byte ^ mask[i % 4]));
  return { opcode: bytes[0] & 0x0f, payload, size };
}

function frameOf(opcode, payload) {
  return Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload]);
}

server.listen(Number(port), host, () => console.log('listening'));
