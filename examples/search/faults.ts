import type { Cluster, ClusterEvents } from './cluster.ts';
import { callLeaf, within } from './leaf-client.ts';
import type { DelayRequest } from './protocol.ts';
import { formatMs } from './report.ts';

/** A leaf that has not done by then what it should never will. */
export const patienceMs = 30_000;

/** The next event of one leaf. Rejects when it does not come in time; nobody has to listen. */
export function nextEvent<K extends keyof ClusterEvents>(
  cluster: Cluster,
  event: K,
  id: string,
): Promise<ClusterEvents[K]> {
  const next = new Promise<ClusterEvents[K]>((resolve, reject) => {
    const timer = setTimeout(() => {
      off();
      reject(new Error(`${id} is not ${event} after ${patienceMs} ms`));
    }, patienceMs).unref();
    const off = cluster.on(event, (leaf) => {
      if (leaf.id !== id) return;
      clearTimeout(timer);
      off();
      resolve(leaf);
    });
  });
  next.catch(() => undefined);
  return next;
}

/** Kills the process of a leaf, and tells when that was noticed and when the leaf serves again. */
export function killLeaf(cluster: Cluster, id: string, print: (line: string) => void): void {
  const { pid } = cluster.status().find((leaf) => leaf.id === id)!;
  const killed = performance.now();
  const since = (): string => formatMs(performance.now() - killed);
  cluster.kill(id);
  print(`${id} (process ${pid ?? '?'}) gets SIGKILL`);
  const tell = (told: Promise<string>): void => {
    told.then(print, () => undefined);
  };
  tell(nextEvent(cluster, 'down', id).then(() => `${id} is gone: noticed after ${since()}, not asked any more`));
  tell(
    nextEvent(cluster, 'up', id).then(
      (leaf) => `${id} is back after ${since()} (process ${leaf.pid ?? '?'}), with all its documents`,
    ),
  );
}

/** Makes a leaf take so much longer for each search. */
export async function slowLeaf(cluster: Cluster, id: string, ms: number): Promise<void> {
  await callLeaf(cluster.replica(id), '/delay', within(patienceMs), { ms } satisfies DelayRequest);
}
