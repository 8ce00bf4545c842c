import type { CallLimits } from 'holdfast/calls';
import type { Runtime } from 'holdfast/core';
import type { SimulatedServer } from 'holdfast/testing';

/** What is done on the server that was chosen. */
type Work = (server: SimulatedServer, limits?: CallLimits) => Promise<unknown>;

/** A client's way to choose a server for each call. */
interface Policy {
  /** Settles as the work does, or rejects when `deadlineMs` is over; then the work is called off. */
  run(work: Work, deadlineMs?: number): Promise<unknown>;
}

export type MakePolicy = (servers: readonly SimulatedServer[], runtime: Runtime) => Policy;

/** A peer's algorithm, on indices of servers. */
export interface Peer {
  pick(): number;
  started?(index: number): void;
  settled?(index: number, ok: boolean, ms: number): void;
}

/** A policy of a peer's algorithm: counts, times and calls off for it. */
export function policyOf(makePeer: (count: number, runtime: Runtime) => Peer): MakePolicy {
  return (servers, runtime) => {
    const { clock } = runtime;
    const peer = makePeer(servers.length, runtime);
    return {
      run(work, deadlineMs) {
        const index = peer.pick();
        const startMs = clock.now();
        peer.started?.(index);
        const settled = (ok: boolean): void => peer.settled?.(index, ok, clock.now() - startMs);
        return (
          deadlineMs === undefined ? work(servers[index]!) : within(work, servers[index]!, deadlineMs, runtime)
        ).then(
          (value) => {
            settled(true);
            return value;
          },
          (error: unknown) => {
            settled(false);
            throw error;
          },
        );
      },
    };
  };
}

async function within(work: Work, server: SimulatedServer, deadlineMs: number, { clock }: Runtime): Promise<unknown> {
  const controller = new AbortController();
  const timer = clock.setTimer(deadlineMs, () => controller.abort(new Error('too late')));
  try {
    return await work(server, { signal: controller.signal });
  } finally {
    timer.cancel();
  }
}

/** Two different indices, uniform: the two choices of the policies named after them. */
export function twoOf(count: number, { random }: Runtime): readonly [number, number] {
  const a = Math.floor(random() * count);
  if (count === 1) return [a, a];
  const b = Math.floor(random() * (count - 1));
  return [a, b >= a ? b + 1 : b];
}
