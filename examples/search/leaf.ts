/** A leaf: one replica of one shard, a process of its own that serves HTTP on loopback, and tells its parent the port. */
import { listen } from './http.ts';
import { createLeafServer } from './leaf-server.ts';
import type { Listening } from './protocol.ts';
import { endWithParent } from './with-parent.ts';

const server = createLeafServer();

endWithParent();
if (process.connected) process.send?.({ port: await listen(server, 0) } satisfies Listening);
