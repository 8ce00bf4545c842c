/*
 * A cluster of pure machines and one lease, as a synchronous event loop: the same faults as in the simulator, without promises
 * and copies, so that a million seconds pass in one. Clocks and the queue are the simulator's.
 */

import type { LeaseRecord } from 'holdfast/election';
import { seededRandom, type SeededRandom } from 'holdfast/testing';
import type { Instant } from '../../../src/election/instant.ts';
import { step } from '../../../src/election/machine.ts';
import type { Rules } from '../../../src/election/rules.ts';
import {
  type Answer,
  type ElectionEvent,
  idle,
  leads,
  remainingMs,
  type Standing,
  type StoreCall,
  wakeMs,
} from '../../../src/election/standing.ts';
import type { Timing } from '../../../src/election/rules.ts';
import { EventQueue } from '../../../src/testing/sim/event-queue.ts';
import { LocalTime } from '../../../src/testing/sim/local-time.ts';
import { LeaseTable, type TableOptions } from './lease-table.ts';

/** How bad the world is. Shares are of messages or calls; rates are a second, for the whole cluster. */
export interface Trouble {
  readonly loss: number;
  readonly duplicate: number;
  /** Messages that take up to `slowMs` longer, each by itself: out of order. */
  readonly slow: number;
  readonly slowMs: number;
  readonly refused: number;
  readonly unacknowledged: number;
  readonly unanswered: number;
  readonly pauses: number;
  readonly pauseMs: number;
  readonly crashes: number;
  /** One way or both, of one candidate. */
  readonly cuts: number;
  readonly cutMs: number;
  readonly jumps: number;
  readonly jumpMs: number;
  readonly rates: number;
  readonly resignations: number;
  readonly hintLoss: number;
  /** The store forgets all. */
  readonly amnesia: number;
}

export const peace: Trouble = {
  loss: 0,
  duplicate: 0,
  slow: 0,
  slowMs: 0,
  refused: 0,
  unacknowledged: 0,
  unanswered: 0,
  pauses: 0,
  pauseMs: 0,
  crashes: 0,
  cuts: 0,
  cutMs: 0,
  jumps: 0,
  jumpMs: 0,
  rates: 0,
  resignations: 0,
  hintLoss: 0,
  amnesia: 0,
};

export interface ClusterOptions {
  readonly seed: number;
  /** A candidate for each id. */
  readonly ids: readonly string[];
  readonly expiry: 'server' | 'observer';
  readonly timing: Timing;
  /** Clocks run within so much of 1, the store's included. */
  readonly maxDrift: number;
  readonly trouble: Trouble;
  /** How long there is trouble. */
  readonly troubledMs: number;
  /** How long there is peace afterwards. */
  readonly calmMs: number;
  /** `writes`: a hint for each write of the store; `hands`: when the lease changes hands. */
  readonly watch?: 'writes' | 'hands' | undefined;
  /** A body takes up to so long to stop. */
  readonly stopMs?: number | undefined;
  /** A message takes so long, and up to as much again. */
  readonly delayMs?: number | undefined;
  /** Broken on purpose: a deadline counts from the answer. */
  readonly countsFromAnswer?: boolean | undefined;
  readonly table?: Pick<TableOptions, 'compare' | 'share'> | undefined;
}

/** What was seen. */
export interface Seen {
  /** What must not be, with its time. Empty: all was well. */
  readonly violations: readonly string[];
  readonly elections: number;
  /** How often a leader was known to lead or not, by a name: `leading > lost: expired`. */
  readonly moves: Readonly<Record<string, number>>;
  readonly calls: number;
  /** The most calls that one candidate made within a second of its own. */
  readonly mostCalls: number;
  /** From the end of the trouble to the first instant with a leader; `Infinity`: none. */
  readonly leaderlessMs: number;
  /** How often the leader changed between the first of the peace and its end. */
  readonly changes: number;
  readonly events: number;
}

interface Pending {
  readonly call: StoreCall;
}

class Machine {
  readonly time: LocalTime;
  readonly rules: Rules;
  readonly life: number;
  standing: Standing = idle;
  pending: Pending | undefined;
  timer: { cancel(): void } | undefined;
  stopping = false;
  beginning = false;
  secondMs = 0;
  secondCalls = 0;

  constructor(time: LocalTime, rules: Rules, life: number) {
    this.time = time;
    this.rules = rules;
    this.life = life;
  }

  get at(): Instant {
    return { now: this.time.now(), wall: this.time.wallNow() };
  }

  /** Whether its `check` would pass. */
  get passes(): boolean {
    return leads(this.standing) && remainingMs(this.standing, this.at, this.rules) > 0;
  }
}

/** A place of the cluster on which one machine after the other runs. */
interface Site {
  readonly index: number;
  readonly id: string;
  readonly time: LocalTime;
  readonly random: SeededRandom;
  machine: Machine | undefined;
  lives: number;
  pausedMs: number;
  held: (() => void)[];
  cutTo: number;
  cutFrom: number;
}

/** Runs a cluster to its end. */
export function runCluster(options: ClusterOptions): Seen {
  return new Cluster(options).run();
}

class Cluster {
  readonly #options: ClusterOptions;
  readonly #queue: EventQueue;
  readonly #random: SeededRandom;
  readonly #table: LeaseTable;
  readonly #storeTime: LocalTime;
  readonly #sites: Site[];
  readonly #violations: string[] = [];
  readonly #moves: Record<string, number> = {};
  readonly #givenBack = new Set<string>();
  #trouble: Trouble;
  #lastToken = 0n;
  #granted = 0n;
  #elections = 0;
  #calls = 0;
  #mostCalls = 0;
  #events = 0;
  #atOnce = 0;
  #leaderMs = Infinity;
  #leader: string | undefined;
  #changes = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#trouble = options.trouble;
    this.#random = seededRandom(options.seed);
    this.#queue = new EventQueue(options.seed);
    const epochMs = 1_700_000_000_000;
    const timeOf = (random: SeededRandom): LocalTime => {
      const drift = (random() * 2 - 1) * options.maxDrift;
      return new LocalTime(this.#queue, 1 + drift, random() * 1e6, epochMs + (random() * 2 - 1) * 1e6);
    };
    this.#storeTime = timeOf(this.#random.stream('store'));
    this.#table = new LeaseTable({
      expiry: options.expiry,
      now: () => this.#storeTime.now(),
      wallNow: () => this.#storeTime.wallNow(),
      ...options.table,
      onWrite: (changed) => {
        if (options.watch === 'writes' || (options.watch === 'hands' && changed)) this.#hint();
      },
      onGrant: ({ token }) => {
        if (token <= this.#granted) this.#violate(`token ${String(token)} was granted after ${String(this.#granted)}`);
        this.#granted = token;
      },
    });
    this.#sites = options.ids.map((id, index) => {
      const random = this.#random.stream(`site ${String(index)}`);
      const time = timeOf(random);
      return { index, id, time, random, machine: undefined, lives: 0, pausedMs: 0, held: [], cutTo: 0, cutFrom: 0 };
    });
  }

  run(): Seen {
    const { troubledMs, calmMs } = this.#options;
    for (const site of this.#sites) this.#boot(site);
    this.#plan();
    this.#queue.add(troubledMs, 0, () => this.#calm());
    const endMs = troubledMs + calmMs;
    while ((this.#queue.nextMs ?? Infinity) <= endMs && this.#violations.length === 0) {
      this.#events++;
      const { nowMs } = this.#queue;
      this.#queue.take()();
      this.#atOnce = this.#queue.nowMs > nowMs ? 0 : this.#atOnce + 1;
      if (this.#atOnce > 1_000) this.#violate('time does not move on');
      this.#judge();
    }
    return {
      violations: this.#violations,
      elections: this.#elections,
      moves: this.#moves,
      calls: this.#calls,
      mostCalls: this.#mostCalls,
      leaderlessMs: this.#leaderMs - troubledMs,
      changes: this.#changes,
      events: this.#events,
    };
  }

  #violate(what: string): void {
    this.#violations.push(`seed ${String(this.#options.seed)}, ${this.#queue.nowMs.toFixed(1)} ms: ${what}`);
  }

  #judge(): void {
    let leader: Machine | undefined;
    let count = 0;
    for (const { machine } of this.#sites) {
      if (machine === undefined || !leads(machine.standing)) continue;
      if (count > 0 || this.#queue.nowMs >= this.#options.troubledMs) {
        // The others are looked at only when there are two to choose from.
        if (leader !== undefined && !leader.passes) count--;
        if (!machine.passes) continue;
      }
      count++;
      leader = machine;
    }
    if (count > 1 && this.#trouble.amnesia === 0) this.#violate(`${String(count)} candidates lead`);
    if (this.#queue.nowMs < this.#options.troubledMs || leader === undefined || count === 0) return;
    const { nonce } = leader.standing.held!.record;
    // What has happened in the trouble may end a term as much as one lease later.
    if (this.#queue.nowMs > this.#options.troubledMs + 2 * this.#options.timing.ttlMs) {
      if (this.#leader !== undefined && this.#leader !== nonce) this.#changes++;
      this.#leader = nonce;
    }
    this.#leaderMs = Math.min(this.#leaderMs, this.#queue.nowMs);
  }

  // Sites and machines

  #boot(site: Site): void {
    const { expiry, timing } = this.#options;
    const life = ++site.lives;
    const instance = `${site.id}#${String(site.index)}.${String(life)}`;
    const rules: Rules = {
      ...timing,
      expiry,
      key: 'x',
      id: site.id,
      instance,
      rank: site.index % 2,
      yields: () => false,
      chance: site.random,
    };
    const machine = new Machine(site.time, rules, life);
    site.machine = machine;
    this.#dispatch(site, machine, { type: 'campaign', data: undefined });
    if (this.#options.watch !== undefined) this.#dispatch(site, machine, { type: 'watching', on: true });
  }

  #crash(site: Site, forMs: number): void {
    site.machine?.timer?.cancel();
    site.machine = undefined;
    site.held = [];
    site.pausedMs = 0;
    const { lives } = site;
    this.#queue.add(this.#queue.nowMs + forMs, site.index, () => {
      if (site.machine === undefined && site.lives === lives) this.#boot(site);
    });
  }

  /** Does something in a process, when it is able to, unless it has died. */
  #enter(site: Site, machine: Machine, work: () => void): void {
    if (site.machine !== machine) return;
    if (this.#queue.nowMs < site.pausedMs) site.held.push(work);
    else work();
  }

  #pause(site: Site, forMs: number): void {
    const untilMs = this.#queue.nowMs + forMs;
    if (untilMs <= site.pausedMs) return;
    site.pausedMs = untilMs;
    this.#queue.add(untilMs, site.index, () => this.#resume(site));
  }

  #resume(site: Site): void {
    const { machine } = site;
    if (machine === undefined || this.#queue.nowMs < site.pausedMs) return;
    const { held } = site;
    site.held = [];
    for (let i = held.length; i > 0;) {
      const [work] = held.splice(Math.floor(site.random() * i--), 1);
      this.#queue.add(this.#queue.nowMs, site.index, () => this.#enter(site, machine, work!));
    }
  }

  #dispatch(site: Site, machine: Machine, event: ElectionEvent): void {
    const before = machine.standing;
    const [after, call] = step(before, event, machine.at, machine.rules);
    machine.standing = after;
    if (call !== undefined) this.#send(site, machine, call);
    this.#heed(site, machine, before, after);
    machine.timer?.cancel();
    const dueMs = wakeMs(machine.standing, machine.rules);
    if (dueMs === Infinity) return;
    machine.timer = this.#queue.add(machine.time.trueMs(dueMs), site.index, () =>
      this.#enter(site, machine, () => {
        machine.time.reach(dueMs);
        this.#dispatch(site, machine, { type: 'wake' });
      }),
    );
  }

  #heed(site: Site, machine: Machine, before: Standing, after: Standing): void {
    if (before.phase !== after.phase) {
      const move = `${before.phase} > ${after.phase}: ${after.reason}`;
      this.#moves[move] = (this.#moves[move] ?? 0) + 1;
    }
    if (!leads(before) && leads(after)) {
      const { token } = after.held!.record;
      this.#elections++;
      if (token <= this.#lastToken && this.#trouble.amnesia === 0) this.#violate('a token does not rise');
      this.#lastToken = token;
      if (before.busy) this.#violate('two bodies at a time');
    }
    const over = after.phase === 'idle' || after.phase === 'released' || after.phase === 'lost';
    if (after.busy && (over || after.phase === 'draining') && !machine.stopping) {
      machine.stopping = true;
      this.#later(site, machine, site.random() * (this.#options.stopMs ?? 500), () => {
        machine.stopping = false;
        this.#dispatch(site, machine, { type: 'settled' });
      });
    }
    if (over && !after.busy && !machine.beginning) {
      machine.beginning = true;
      this.#later(site, machine, site.random() * 100, () => {
        machine.beginning = false;
        this.#dispatch(site, machine, { type: 'campaign', data: undefined });
      });
    }
  }

  #later(site: Site, machine: Machine, ms: number, work: () => void): void {
    this.#queue.add(this.#queue.nowMs + ms, site.index, () => this.#enter(site, machine, work));
  }

  // Calls

  #send(site: Site, machine: Machine, call: StoreCall): void {
    const { rules } = machine;
    this.#count(machine, call);
    const pending: Pending = { call };
    machine.pending = pending;
    const settle = (event: ElectionEvent): boolean => {
      if (machine.pending !== pending) return false;
      machine.pending = undefined;
      if (machine.standing.calling === undefined) this.#violate('an answer without a call');
      if (this.#options.countsFromAnswer === true)
        machine.standing = { ...machine.standing, calling: { ...machine.standing.calling!, sent: machine.at } };
      this.#dispatch(site, machine, event);
      return true;
    };
    const giveUpMs = machine.time.now() + rules.requestMs;
    this.#queue.add(machine.time.trueMs(giveUpMs), site.index, () =>
      this.#enter(site, machine, () => settle({ type: 'unanswered' })),
    );
    this.#carry(site, 'to', () => {
      const { refused, unacknowledged, unanswered } = this.#trouble;
      const luck = this.#random();
      const answer = luck < refused ? undefined : this.#serve(call, rules);
      if (luck >= refused + unacknowledged && luck < refused + unacknowledged + unanswered) return;
      const fails = luck < refused + unacknowledged;
      this.#carry(site, 'from', () =>
        this.#enter(site, machine, () => {
          if (fails || answer === undefined) settle({ type: 'unanswered' });
          else if (!settle({ type: 'answered', answer }) && answer.kind === 'acquire' && answer.result.granted)
            this.#dispatch(site, machine, { type: 'stray', record: answer.result.record });
        }),
      );
    });
  }

  #count(machine: Machine, call: StoreCall): void {
    this.#calls++;
    if (machine.pending !== undefined) this.#violate('two calls at a time');
    if (call.kind === 'release') this.#givenBack.add(call.held.nonce);
    if (call.kind === 'acquire' && this.#givenBack.has(call.candidacy.nonce))
      this.#violate(`nonce ${call.candidacy.nonce} is used after it was given back`);
    const nowMs = machine.time.now();
    if (nowMs - machine.secondMs >= 1_000) {
      machine.secondMs = nowMs;
      machine.secondCalls = 0;
    }
    this.#mostCalls = Math.max(this.#mostCalls, ++machine.secondCalls);
  }

  #serve(call: StoreCall, { ttlMs }: Rules): Answer {
    const table = this.#table;
    switch (call.kind) {
      case 'acquire':
        return { kind: 'acquire', result: table.acquire(call.candidacy) };
      case 'renew':
        return { kind: 'renew', result: table.renew(call.held, { ttlMs, data: call.data }) };
      case 'release':
        return { kind: 'release', result: table.release(call.held) };
      case 'read':
        return { kind: 'read', result: table.read() };
    }
  }

  #carry(site: Site, way: 'to' | 'from', arrive: () => void): void {
    const { nowMs } = this.#queue;
    const { loss, duplicate, slow, slowMs } = this.#trouble;
    const { delayMs = 2 } = this.#options;
    const random = this.#random;
    if (random() < loss || nowMs < (way === 'to' ? site.cutTo : site.cutFrom)) return;
    const copies = random() < duplicate ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const extraMs = random() < slow ? random() * slowMs : 0;
      this.#queue.add(nowMs + delayMs * (1 + random()) + extraMs, 1_000 + site.index, arrive);
    }
  }

  #hint(): void {
    for (const site of this.#sites) {
      const { machine } = site;
      if (machine === undefined || this.#random() < this.#trouble.hintLoss) continue;
      this.#carry(site, 'from', () =>
        this.#enter(site, machine, () => this.#dispatch(site, machine, { type: 'hint' })),
      );
    }
  }

  // Trouble

  #plan(): void {
    const { pauses, pauseMs, crashes, cuts, cutMs, jumps, jumpMs, rates, resignations, amnesia } = this.#trouble;
    this.#often('pause', pauses, (site, random) => this.#pause(site, random() ** 2 * pauseMs));
    this.#often('crash', crashes, (site, random) => this.#crash(site, random() * 3_000));
    this.#often('cut', cuts, (site, random) => {
      const untilMs = this.#queue.nowMs + random() * cutMs;
      const way = random();
      if (way < 0.66) site.cutTo = Math.max(site.cutTo, untilMs);
      if (way > 0.33) site.cutFrom = Math.max(site.cutFrom, untilMs);
    });
    this.#often('jump', jumps, (site, random) => site.time.jump((random() * 2 - 1) * jumpMs));
    this.#often('rate', rates, (site, random) => {
      const time = random() < 0.3 ? this.#storeTime : site.time;
      time.setRate(1 + (random() < 0.5 ? 1 : -1) * this.#options.maxDrift);
    });
    this.#often('resign', resignations, (site, random) => {
      const { machine } = site;
      if (machine === undefined) return;
      const drainMs = random() * 2 * (this.#options.stopMs ?? 500);
      this.#enter(site, machine, () => this.#resign(site, machine, drainMs));
    });
    this.#often('amnesia', amnesia, () => this.#table.forget());
  }

  /** As the shell does it: who withdraws does not wait for an answer. */
  #resign(site: Site, machine: Machine, drainMs: number): void {
    this.#dispatch(site, machine, { type: 'resign', data: undefined, drainMs });
    if (!machine.standing.leaving || machine.pending === undefined) return;
    machine.pending = undefined;
    this.#dispatch(site, machine, { type: 'unanswered' });
  }

  #often(name: string, rate: number, strike: (site: Site, random: SeededRandom) => void): void {
    if (rate === 0) return;
    const random = this.#random.stream(name);
    const next = (): void => {
      const atMs = this.#queue.nowMs - (Math.log(1 - random()) * 1_000) / rate;
      if (atMs >= this.#options.troubledMs) return;
      this.#queue.add(atMs, 500, () => {
        strike(this.#sites[Math.floor(random() * this.#sites.length)]!, random);
        next();
      });
    };
    next();
  }

  #calm(): void {
    this.#trouble = { ...peace, amnesia: this.#trouble.amnesia };
    for (const site of this.#sites) {
      site.cutTo = site.cutFrom = site.pausedMs = 0;
      if (site.machine === undefined) this.#boot(site);
      else this.#resume(site);
    }
  }
}

/** The trouble of a seed: each kind is absent half of the time, so that some seeds have much of little. */
export function drawTrouble(seed: number, { ttlMs, requestMs }: Timing): Trouble {
  const random = seededRandom(seed).stream('trouble');
  const some = (most: number): number => (random() < 0.5 ? 0 : random() * most);
  return {
    loss: some(0.3),
    duplicate: some(0.3),
    slow: some(0.5),
    slowMs: random() * (random() < 0.5 ? requestMs : 1.5 * ttlMs),
    refused: some(0.2),
    unacknowledged: some(0.2),
    unanswered: some(0.2),
    pauses: some(0.1),
    pauseMs: random() * 4 * ttlMs,
    crashes: some(0.03),
    cuts: some(0.05),
    cutMs: random() * 3 * ttlMs,
    jumps: some(0.05),
    jumpMs: random() * 3 * ttlMs,
    rates: some(0.05),
    resignations: some(0.1),
    hintLoss: some(0.5),
    amnesia: 0,
  };
}

/** A record, for those who need one. */
export const recordOf = (over: Partial<LeaseRecord> = {}): LeaseRecord => ({
  key: 'x',
  holder: 'a',
  nonce: 'a#1.1',
  token: 1n,
  version: 'v1',
  ttlMs: 10_000,
  ...over,
});
