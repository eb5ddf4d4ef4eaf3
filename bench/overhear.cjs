// Loaded into a gateway before its program: writes down where the first command goes that it passes on, and with what
// token, so that the same server can be asked directly. Then it listens no more.
const { subscribe, unsubscribe } = require('node:diagnostics_channel');
const { renameSync, writeFileSync } = require('node:fs');

const channel = 'http.client.request.start';
const { file, tokenHeader } = JSON.parse(process.env.BENCH_OVERHEAR);

subscribe(channel, function overhear({ request }) {
  if (request.path !== '/v1/shell/exec') return;
  unsubscribe(channel, overhear);
  // The gateway gives its headers as they go over the wire: the request has no others by name.
  const token = new RegExp(`^${tokenHeader}: (.*?)\r?$`, 'im').exec(request._header)[1];
  const socketPath = request.socketPath.replace('/self/', `/${process.pid}/`);
  writeFileSync(`${file}.new`, JSON.stringify({ socketPath, token }));
  renameSync(`${file}.new`, file);
});
