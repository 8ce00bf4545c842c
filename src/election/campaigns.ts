import { check, number, type Rule } from '../core/options.ts';
import { onAbort } from '../core/signals.ts';
import { Candidate } from './candidate.ts';
import type { ElectionEvents } from './events.ts';
import { isFor, leaderOf, told } from './leader-info.ts';
import type { LeaseStore } from './lease-store.ts';
import { type ElectionSettings, isJson } from './options.ts';
import { Seat } from './seat.ts';
import { isCandidate, leads, type Standing } from './standing.ts';
import type { ResignOptions, Term } from './term.ts';
import { Turns } from './turns.ts';

/** @internal Hears of the events of an election. */
export type TellElection<Meta> = <K extends keyof ElectionEvents<Meta>>(
  name: K,
  event: ElectionEvents<Meta>[K],
) => void;

const toRule: Rule<string> = { expected: 'a string', accepts: (value) => typeof value === 'string' };
const drainRule = number({ min: 0 });
const jsonRule: Rule<unknown> = { expected: 'what JSON can say', accepts: isJson };

/**
 * @internal The campaigns of one process for one office, one at a time: each with a seat of its own, which begins with a turn
 * and ends when nobody acts in it and the lease is given back or lost. Makes of what happens to the candidate what happens to
 * the seat, its term and those who listen.
 */
export class Campaigns<Meta> {
  readonly #settings: ElectionSettings;
  readonly #candidate: Candidate;
  readonly #tell: TellElection<Meta>;
  readonly #turns = new Turns();
  #closed = false;
  #seat: Seat<Meta> | undefined;
  #meta: unknown;
  /** What was told of the leader last. */
  #shown: string | undefined;
  #lostMs = Infinity;
  /** For whom the term is given up. */
  #to: string | undefined;

  constructor(store: LeaseStore, settings: ElectionSettings, tell: TellElection<Meta>) {
    const { name: key, id, instance, rank, timing, runtime, meta } = settings;
    this.#settings = settings;
    this.#tell = tell;
    this.#meta = copyOf(meta);
    const { expiry } = store;
    const rules = { ...timing, expiry, key, id, instance, rank, chance: runtime.random, yields: notFor(id) };
    this.#candidate = new Candidate(store, rules, runtime, (before, after) => {
      this.#hear(before, after);
    });
  }

  /** The term that this process is in. */
  get term(): Term<Meta> | undefined {
    const term = this.#seat?.begun;
    return term !== undefined && term.remainingMs() > 0 ? term : undefined;
  }

  /** Since when a term is lost that somebody still acts for, in milliseconds; not above 0: there is none. */
  get overdueMs(): number {
    return this.#settings.runtime.clock.now() - this.#lostMs;
  }

  /** A seat with a term; undefined when the signal has aborted, or all was closed, before. */
  async elect(signal: AbortSignal | undefined, bound: boolean): Promise<Seat<Meta> | undefined> {
    const free = await this.#turns.take(signal);
    if (free === undefined) return undefined;
    if (this.#closed || signal?.aborted === true) {
      free();
      return undefined;
    }
    const seat = new Seat<Meta>(bound, free);
    this.#seat = seat;
    const unlink = onAbort(signal, () => {
      seat.taken(false);
      if (!seat.begun) this.resign(0);
    });
    this.#to = undefined;
    this.#candidate.campaign(told(this.#meta));
    const elected = await seat.elected;
    unlink();
    return elected ? seat : undefined;
  }

  /** Whoever acts in a seat does so no more. */
  async leave(seat: Seat<Meta>): Promise<void> {
    this.resign();
    this.#candidate.dispatch({ type: 'settled' });
    await seat.gone;
  }

  /** Gives up the term, or withdraws. */
  resign(drainMs: number = this.#settings.timing.drainMs, to?: string): void {
    this.#to ??= to;
    this.#candidate.resign(told(this.#meta, this.#to), drainMs);
  }

  /** Resigns, and gives out no further turn. Resolves when the seat is empty and the store is asked nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.resign();
    this.#turns.close();
    await Promise.all([this.#seat?.gone, this.#candidate.quiet()]);
  }

  /** Lets go of the store's watch, whoever is still in a seat. */
  rest(): void {
    this.#candidate.rest();
  }

  #hear(before: Standing, after: Standing): void {
    const seat = this.#seat;
    if (seat === undefined) return;
    if (!leads(before) && leads(after)) this.#begin(seat, after);
    if (after.phase === 'draining') seat.term.stop('resigned');
    if (after.phase === 'lost') {
      if (before.phase !== 'lost') this.#lostMs = this.#settings.runtime.clock.now();
      seat.lose(after.reason);
    }
    seat.hear(before, after);
    const renewed = leads(before) && before.held !== after.held && after.held !== undefined;
    const moved = before.phase !== after.phase || before.reason !== after.reason;
    if (moved) this.#tell('transition', { from: before.phase, to: after.phase, reason: after.reason });
    if (moved && after.phase === 'lost') this.#tell('lost', { term: seat.term, reason: after.reason });
    if (renewed) this.#tell('renewed', { term: seat.term });
    this.#tellLeader(after);
    if (!isCandidate(after) && !leads(after) && !after.busy) this.#end(seat);
  }

  #begin(seat: Seat<Meta>, { held }: Standing): void {
    const { name: key, id } = this.#settings;
    const term = seat.begin(held!.record.token, {
      key,
      id,
      remainingMs: () => this.#candidate.remainingMs(),
      update: (meta) => this.#update(seat, meta),
      resign: (options) => this.#resignFrom(seat, options),
    });
    this.#tell('elected', { term });
  }

  async #update(seat: Seat<Meta>, meta: unknown): Promise<void> {
    check('meta', meta, jsonRule);
    this.#meta = copyOf(meta);
    const stored = seat.stored();
    this.#candidate.dispatch({ type: 'data', data: told(this.#meta, this.#to) ?? '{}' });
    await stored;
  }

  async #resignFrom(seat: Seat<Meta>, { to, drainMs = this.#settings.timing.drainMs }: ResignOptions): Promise<void> {
    if (to !== undefined) check('to', to, toRule);
    check('drainMs', drainMs, drainRule);
    if (this.#seat === seat) {
      this.resign(drainMs, to);
      if (!seat.bound) this.#candidate.dispatch({ type: 'settled' });
    }
    await seat.over;
  }

  /** The seat is empty; another may be taken. */
  #end(seat: Seat<Meta>): void {
    this.#seat = undefined;
    this.#lostMs = Infinity;
    this.#candidate.rest();
    seat.end();
  }

  #tellLeader({ held, seen }: Standing): void {
    const known = held ?? seen;
    if (known === undefined) return;
    const leader = leaderOf<Meta>(known.record ?? null);
    const shows = JSON.stringify([leader?.id, String(leader?.token), leader?.meta]);
    if (shows === this.#shown) return;
    this.#shown = shows;
    this.#tell('leader', leader);
  }
}

/** As it is now, whatever becomes of it. */
function copyOf(meta: unknown): unknown {
  return meta === undefined ? undefined : JSON.parse(JSON.stringify(meta));
}

function notFor(id: string): (record: Parameters<typeof isFor>[0]) => boolean {
  return (record) => !isFor(record, id);
}
