import type { JobLease, JobOutcome, NewJob } from '../queue/index.ts';
import { ensureSame } from './ensure.ts';
import { QueueModel } from './queue-model.ts';
import { buried, cancelled, done, type QueueHandle, type QueueLaw, released, retried } from './queue-trial.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const hourMs = 3_600_000;

/** @internal Whatever comes to one's mind, beside a model. */
export const commandLaws: Readonly<Record<string, QueueLaw>> = {
  async 'does what a list would do, whatever is asked of it'(trial) {
    const { sequences, steps, seed } = trial.setting;
    const [one, other] = await trial.pair();
    for (let i = 0; i < sequences; i++) {
      const random = seededRandom(seed).stream(`sequence ${String(i)}`);
      const run = new Commands([one, other], random, trial.setting.isVirtual ? trial.setting.waitMs : undefined);
      try {
        while (run.trace.length < steps) await run.step();
        await run.clear();
      } catch (error) {
        const trace = run.trace.slice(-12).join('\n  ');
        throw new Error(`sequence ${String(i)} of seed ${String(seed)}: ${String(error)}\n  ${trace}`, {
          cause: error,
        });
      }
    }
  },
};

/** One sequence of commands. Where time is not told to pass, delays and leases outlast it. */
class Commands {
  readonly trace: string[] = [];
  readonly #handles: readonly QueueHandle[];
  readonly #random: SeededRandom;
  readonly #waitMs: ((ms: number) => unknown) | undefined;
  readonly #model: QueueModel;
  readonly #leases: JobLease[] = [];
  #count = 0;

  constructor(handles: readonly QueueHandle[], random: SeededRandom, waitMs: ((ms: number) => unknown) | undefined) {
    this.#handles = handles;
    this.#random = random;
    this.#waitMs = waitMs;
    this.#model = new QueueModel(handles[0]!.caps.priority);
  }

  async step(): Promise<void> {
    const draw = this.#random();
    if (draw < 0.3) await this.#put();
    else if (draw < 0.5) await this.#pull();
    else if (draw < 0.75) await this.#settle();
    else if (draw < 0.82) await this.#extend();
    else if (draw < 0.89) await this.#cancel();
    else if (draw < 0.93) await this.#dead();
    else if (draw < 0.97) await this.#elapse();
    else this.#note('counts');
    ensureSame(await this.#handle.places(), this.#model.places, 'counted, and expected');
  }

  /** Takes away what is left, so that the next sequence begins with nothing. */
  async clear(): Promise<void> {
    const handle = this.#handles[0]!;
    await handle.settle(this.#leases.map(cancelled));
    await handle.cancel(ids);
    await handle.purge();
    ensureSame(await handle.places(), [0, 0, 0, 0], 'counts when all was taken away');
  }

  get #handle(): QueueHandle {
    return this.#one(this.#handles);
  }

  #one<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() * of.length)]!;
  }

  #some<T>(of: readonly T[], most: number): T[] {
    const length = of.length === 0 ? 0 : Math.floor(this.#random() * (most + 1));
    return Array.from({ length }, () => this.#one(of));
  }

  get #delayMs(): number {
    if (!this.#handles[0]!.caps.delay || this.#random() < 0.7) return 0;
    return this.#waitMs === undefined ? hourMs : 1 + Math.floor(this.#random() * 300);
  }

  get #leaseMs(): number {
    return this.#waitMs === undefined ? 60_000 : 1 + Math.floor(this.#random() * 300);
  }

  #note(...words: readonly unknown[]): void {
    this.trace.push(JSON.stringify(words, (_, word: unknown) => (typeof word === 'bigint' ? Number(word) : word)));
  }

  async #put(): Promise<void> {
    const { dedupe, priority } = this.#handles[0]!.caps;
    const room = { max: this.#random() < 0.8 ? 1_000 : Math.floor(this.#random() * 5), overflow: 'reject' } as const;
    const jobs = this.#some(ids, 3).map((id): NewJob<unknown> => ({
      id,
      data: this.#count++,
      delayMs: this.#delayMs,
      ...(priority && { priority: this.#one([0, 0, 1, -1]) }),
      ...(dedupe.includes('reject') &&
        this.#random() < 0.3 && { dedupe: { id: this.#one(['x', 'y']), mode: 'reject' as const } }),
    }));
    this.#note('put', jobs, room.max);
    const expected = jobs.map((job) => this.#model.put(job, room.max));
    const found = await this.#handle.put(jobs, room);
    ensureSame(
      found.map(({ status, id }) => [status, id]),
      expected.map(({ status, id }) => [status, id]),
      'put, and expected',
    );
  }

  async #pull(): Promise<void> {
    const [max, leaseMs] = [Math.floor(this.#random() * 4), this.#leaseMs];
    const jobs = await this.#handle.pull(max, leaseMs);
    this.#note(
      'pull',
      max,
      leaseMs,
      jobs.map(({ id, fence }) => [id, fence]),
    );
    this.#model.pulled(jobs, max, leaseMs);
    this.#leases.push(...jobs.map(({ id, fence }) => ({ id, fence })));
  }

  async #settle(): Promise<void> {
    if (this.#leases.length === 0) return;
    const outcomes = this.#some(this.#leases.slice(-6), 3).map((lease): JobOutcome => {
      const endings = [
        done,
        cancelled,
        (job: JobLease) => released(job, this.#delayMs),
        (job: JobLease) => retried(job, this.#delayMs, this.#random() < 0.3),
        (job: JobLease) => buried(job, 'no more', this.#random() < 0.3),
      ];
      return this.#one(endings)(lease);
    });
    this.#note('settle', outcomes);
    const expected = outcomes.map((outcome) => this.#model.settle(outcome));
    ensureSame(await this.#handle.settle(outcomes), expected, 'settled, and expected');
  }

  async #extend(): Promise<void> {
    const leaseMs = this.#leaseMs;
    const leases = this.#some(this.#leases.slice(-6), 3);
    this.#note('extend', leases, leaseMs);
    const expected = leases.map((lease) => this.#model.extend(lease, leaseMs));
    ensureSame(await this.#handle.extend(leases, leaseMs), expected, 'extended, and expected');
  }

  async #cancel(): Promise<void> {
    const some = this.#some(ids, 2);
    this.#note('cancel', some);
    const expected = some.map((id) => this.#model.cancel(id));
    ensureSame(await this.#handle.cancel(some), expected, 'cancelled, and expected');
  }

  async #dead(): Promise<void> {
    const what = this.#one(['redrive', 'purge'] as const);
    // Whether one that is put back stands again for what it was the same as is the store's to say.
    const known = what === 'redrive' ? ids.filter((id) => !this.#model.isSame(id)) : ids;
    const some = this.#random() < 0.3 && known.length === ids.length ? undefined : this.#some(known, 2);
    this.#note(what, some ?? 'all');
    const found = (await this.#handle.dead()).map(({ id, attempts, crashes }) => [id, attempts, crashes]).sort();
    ensureSame(found, [...this.#model.dead].sort(), 'the dead, and expected');
    ensureSame(await this.#handle[what](some), this.#model[what](some), `${what}: how many, and expected`);
  }

  async #elapse(): Promise<void> {
    if (this.#waitMs === undefined) return;
    const ms = Math.floor(this.#random() * 200);
    this.#note('elapse', ms);
    await this.#waitMs(ms);
    this.#model.elapse(ms);
  }
}
