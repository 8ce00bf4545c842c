/**
 * A leaf: one replica of one shard, a process of its own that serves HTTP on loopback. Started by `leaf-process.ts`, which
 * it tells its port; it lives as long as the channel to its parent, so it never outlives it, however the parent ends.
 */
import { listen } from './http.ts';
import { createLeafServer } from './leaf-server.ts';
import type { Listening } from './protocol.ts';

const server = createLeafServer();

process.once('disconnect', () => process.exit());
// Ctrl-C reaches the whole group of processes; when to end is the parent's to say.
process.on('SIGINT', () => undefined);

if (process.connected) process.send?.({ port: await listen(server, 0) } satisfies Listening);
