// A proxy with the least that Node needs for it: node:http to node:http, over connections that stay open.
const { Agent, createServer, request } = require('node:http');

const socketPath = process.argv[2];
const agent = new Agent({ keepAlive: true });

createServer((incoming, response) => {
  const { method, url, headers } = incoming;
  const onward = request({ socketPath, agent, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  incoming.pipe(onward);
}).listen(0, '127.0.0.1', function listening() {
  console.log(this.address().port);
});
