/** Elections among real processes: who led when, and whether two ever did. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Orders, Told } from './candidate-process.ts';

const program = fileURLToPath(new URL('candidate-process.ts', import.meta.url));

/** An act of a leader: its check had passed at `fromMs`. */
export interface Act {
  readonly id: string;
  readonly token: bigint;
  readonly fromMs: number;
  readonly toMs: number;
}

/** One candidate. */
export class Standing {
  readonly id: string;
  readonly child: ChildProcess;
  readonly acts: Act[] = [];
  readonly told: Told[] = [];
  /** When its body had stopped, each time. */
  readonly stopped: number[] = [];
  readonly exited: Promise<unknown>;

  constructor(orders: Orders) {
    this.id = orders.id;
    this.child = fork(program, [JSON.stringify(orders)], { execArgv: ['--import', 'tsx'] });
    this.exited = once(this.child, 'exit');
    this.child.on('message', (told: Told) => {
      this.told.push(told);
      if (told.type === 'stopped') this.stopped.push(told.atMs);
      if (told.type !== 'acts') return;
      this.acts.push({ id: this.id, token: BigInt(told.token), fromMs: told.fromMs, toMs: told.toMs });
    });
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Its event loop stands still. */
  block(blockMs: number): void {
    this.child.send({ blockMs });
  }

  /** Whether it is in a state, of late. */
  get phase(): string | undefined {
    return this.told.findLast((told) => told.type === 'transition')?.to;
  }
}

/** The same for all processes of a machine, to a millisecond. */
export const nowMs = (): number => performance.timeOrigin + performance.now();

/** Candidates, and what is to be seen of them. */
export class Lab {
  readonly candidates: Standing[] = [];

  /** Starts one, and waits until it stands. */
  async stand(orders: Orders): Promise<Standing> {
    const standing = new Standing(orders);
    this.candidates.push(standing);
    await this.until(() => standing.told.length > 0, `${orders.id} stands`);
    return standing;
  }

  get acts(): readonly Act[] {
    return this.candidates.flatMap(({ acts }) => acts).sort((a, b) => a.fromMs - b.fromMs);
  }

  /** Waits for somebody to act under a token above this one. */
  async leader(above = 0n): Promise<Act> {
    const find = (): Act | undefined => this.acts.find(({ token }) => token > above);
    await this.until(() => find() !== undefined, 'somebody leads');
    return find()!;
  }

  async until(holds: () => boolean, what: string, withinMs = 20_000): Promise<void> {
    const endMs = nowMs() + withinMs;
    while (!holds()) {
      if (nowMs() > endMs) throw new Error(`not within ${String(withinMs)} ms: ${what}`);
      await sleep(5);
    }
  }

  of(id: string): Standing {
    return this.candidates.find((standing) => standing.id === id)!;
  }

  /** For how many milliseconds somebody acted under a token after another had begun under a higher one; and whether tokens rose. */
  judge(): { readonly overlapMs: number; readonly terms: number } {
    let overlapMs = 0;
    const begun = new Map<bigint, number>();
    for (const { token, fromMs } of this.acts) if (!begun.has(token)) begun.set(token, fromMs);
    const tokens = [...begun].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [i, [token]] of tokens.entries()) {
      const next = tokens[i + 1];
      if (next === undefined) continue;
      const last = Math.max(...this.acts.filter((act) => act.token === token).map((act) => act.fromMs));
      overlapMs = Math.max(overlapMs, last - next[1]);
    }
    return { overlapMs, terms: tokens.length };
  }

  async close(): Promise<void> {
    for (const { child } of this.candidates) child.kill('SIGCONT');
    for (const { child } of this.candidates) child.kill('SIGKILL');
    await Promise.all(
      this.candidates
        .filter(({ child }) => child.exitCode === null && child.signalCode === null)
        .map(({ exited }) => exited),
    );
  }
}
