// The least that a server in Node can be: what start and memory are compared with.
const { createServer } = require('node:http');

const body = JSON.stringify({ success: true, message: 'ok', data: {} });

createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}).listen(process.argv[2], () => console.log('ready'));
