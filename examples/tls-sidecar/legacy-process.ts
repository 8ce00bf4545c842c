/** An application of long ago: plain HTTP, on loopback only. It knows nothing of TLS, of a sidecar, nor of this library. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

process.once('disconnect', () => process.exit()); // never outlives the process that started it

const server = createServer((request, response) => {
  if (request.url === '/stuck') return; // one page of it never comes
  if (request.url === '/login')
    return void response.writeHead(302, { location: '/', 'set-cookie': ['a=1', 'b=2'] }).end();
  const { headers } = request;
  const { 'x-forwarded-proto': proto = 'http', 'x-forwarded-for': client = 'unknown' } = headers;
  let received = 0;
  request.on('data', (chunk: Buffer) => (received += chunk.length));
  request.on('end', () => response.end(JSON.stringify({ proto, client, received, headers })));
});
server.listen(0, '127.0.0.1', () => {
  process.send?.({ kind: 'listening', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
