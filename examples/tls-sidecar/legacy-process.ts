/** An application of long ago: plain HTTP, on loopback only. It knows nothing of TLS, of a sidecar, nor of this library. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

process.once('disconnect', () => process.exit()); // never outlives the process that started it

const server = createServer((request, response) => {
  if (request.url === '/stuck') return; // one page of it never comes
  const { 'x-forwarded-proto': proto = 'http', 'x-forwarded-for': client = 'unknown' } = request.headers;
  let received = 0;
  request.on('data', (chunk: Buffer) => (received += chunk.length));
  request.on('end', () => response.end(JSON.stringify({ proto, client, received })));
});
server.listen(0, '127.0.0.1', () => {
  process.send?.({ kind: 'listening', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
