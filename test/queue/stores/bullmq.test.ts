import { queueStoreSuite } from 'holdfast/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { describeWith, type Server } from '../../support/servers.ts';
import { type Kind, openEnds, OwnBullStore, programs, startServer } from './bull.ts';

describe.each<Kind>(['Redis', 'PostgreSQL'])('BullMQQueueStore over %s', (kind) => {
  describeWith(programs[kind], 'on a real server', () => {
    let server: Server;
    beforeAll(async () => void (server = await startServer(kind)));
    afterAll(() => server.stop());

    queueStoreSuite(
      async (name) => new OwnBullStore(await openEnds(kind, server.url, name)),
      { describe, it },
      { leaseMs: 300, sequences: 8, steps: 40 },
    );
  });
});
