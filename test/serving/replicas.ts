import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What a replica has counted. */
export interface Counts {
  readonly answered: number;
  /** Requests whose caller went before the answer. */
  readonly closedEarly: number;
  /** Connections now, and the most there were at a time. */
  readonly sockets: number;
  readonly mostSockets: number;
}

/** An HTTP server in a process of its own. */
export interface Replica {
  readonly id: string;
  readonly url: string;
  /** Halts the process, or lets it go on: it is silent, its connections stay. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  counts(): Promise<Counts>;
}

/** So many replicas, and how to end them. `folder` is that of replica.mjs. */
export async function startReplicas(
  count: number,
  folder: string = import.meta.dirname,
): Promise<{ readonly replicas: readonly Replica[]; readonly stop: () => Promise<void> }> {
  const children = Array.from({ length: count }, () => fork(join(folder, 'replica.mjs'), { execArgv: [] }));
  const stop = async (): Promise<void> => {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }),
    );
  };
  try {
    return { replicas: await Promise.all(children.map(replicaOf)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function replicaOf(child: ChildProcess, index: number): Promise<Replica> {
  const [port] = (await once(child, 'message')) as [number];
  const url = `http://127.0.0.1:${String(port)}/`;
  return {
    id: `replica-${String(index)}`,
    url,
    signal: (name) => void child.kill(name),
    counts: async () => (await (await fetch(`${url}counts`)).json()) as Counts,
  };
}
