/* How long a leader whose network is gone believes that it leads, once another has been told that it does. */
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../../test/election/real/lab.ts';
import { startProxy } from '../../test/support/proxy.ts';
import type { Server } from '../../test/support/servers.ts';
import { type Contender, leaseMs } from './contenders.ts';

export type Direction = 'toServer' | 'toClient' | 'both';

/** From the moment that the network was gone. */
export interface Round {
  /** When the first leader believed it for the last time. */
  readonly endedMs: number;
  /** Whether it still did when the watching ended. */
  readonly still: boolean;
  /** When the second was told that it leads; undefined: not while it was watched. */
  readonly followedMs: number | undefined;
}

/** How long a round is watched. */
export const watchedMs = 15_000;

const pollMs = 5;

async function round(contender: Contender, server: Server, direction: Direction, name: string, afterMs: number) {
  const proxy = await startProxy(server);
  const { kind } = contender;
  const proxied = server.url.replace(String(server.port), String(proxy.port));
  const a = await contender.stand({ kind, url: proxied }, name, 'a');
  await Promise.race([
    a.electedMs,
    sleep(10_000, undefined, { ref: false }).then(() => {
      throw new Error(`${contender.name}: nobody was elected`);
    }),
  ]);
  const b = await contender.stand({ kind, url: server.url }, name, 'b');
  await sleep(1_000 + afterMs);

  const cutMs = nowMs();
  proxy.blackhole(direction);
  let followedMs: number | undefined;
  const follow = (atMs: number): void => void (followedMs = atMs - cutMs);
  b.electedMs.then(follow, () => undefined);
  let endedMs = 0;
  while (nowMs() - cutMs < watchedMs) {
    if (a.believes()) endedMs = nowMs() - cutMs;
    else if (followedMs !== undefined) break;
    await sleep(pollMs);
  }
  const seen: Round = { endedMs, still: a.believes(), followedMs };

  proxy.blackhole('none');
  await Promise.all([a.leave(), b.leave()]);
  await proxy.stop();
  return seen;
}

/** Rounds side by side, each cut off at another moment between two renewals. */
export function blackHole(
  contender: Contender,
  server: Server,
  direction: Direction,
  rounds: number,
): Promise<readonly Round[]> {
  return Promise.all(
    Array.from({ length: rounds }, (_, i) =>
      round(
        contender,
        server,
        direction,
        `${contender.name.replaceAll(/\W/g, '')}-${direction}-${String(i)}`,
        (i * leaseMs) / rounds,
      ),
    ),
  );
}
