// A server as a process: answers after a moment, at /slow after a long one, and counts who goes before that.
import { createServer } from 'node:http';

const counts = { answered: 0, closedEarly: 0, sockets: 0, mostSockets: 0 };

const server = createServer((request, response) => {
  if (request.url === '/counts') {
    response.end(JSON.stringify(counts));
    return;
  }
  const answer = () => {
    counts.answered++;
    response.end(`answer of ${process.pid} `.repeat(50));
  };
  const timer = setTimeout(answer, request.url === '/slow' ? 500 : 2);
  response.on('close', () => {
    if (response.writableFinished) return;
    clearTimeout(timer);
    counts.closedEarly++;
  });
});
server.keepAliveTimeout = 60_000;
server.on('connection', (socket) => {
  counts.sockets++;
  counts.mostSockets = Math.max(counts.mostSockets, counts.sockets);
  socket.on('close', () => counts.sockets--);
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
// The parent is gone: so is everything this was for.
process.on('disconnect', () => process.exit());
