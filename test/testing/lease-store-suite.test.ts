/** The suite itself: that it passes what is sound, and that each of its tests finds a fault. */
import type { Candidacy, Denied, Granted, LeaseRecord, LeaseStore } from 'holdfast/election';
import { leaseStoreSuite, type LeaseStoreSuiteOptions, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';

type Kind = LeaseStore['expiry'];
type Fault = (sound: SoundStore) => Partial<LeaseStore>;

/** The least that a store can be, of either kind; its steps can be replaced one by one. */
class SoundStore implements LeaseStore {
  readonly durability = 'linearizable';
  readonly limits = { minTtlMs: 1, stepMs: 1 };
  readonly expiry: Kind;
  readonly clock: VirtualClock;
  readonly leases = new Map<string, LeaseRecord & { readonly endsMs: number }>();
  readonly watchers = new Set<{ readonly key: string; readonly tell: () => void }>();
  /** An object, for a store with a fault inherits from a sound one. */
  readonly count = { writes: 0 };

  constructor(expiry: Kind, clock: VirtualClock) {
    this.expiry = expiry;
    this.clock = clock;
  }

  token(last: LeaseRecord | undefined): bigint {
    const now = BigInt(this.clock.wallNow());
    return last !== undefined && last.token >= now ? last.token + 1n : now;
  }

  isOver(last: LeaseRecord & { readonly endsMs: number }): boolean {
    return last.holder === null || (this.expiry === 'server' && last.endsMs <= this.clock.now());
  }

  owns(held: LeaseRecord): boolean {
    const last = this.leases.get(held.key);
    return last !== undefined && !this.isOver(last) && last.nonce === held.nonce && last.token === held.token;
  }

  write(record: LeaseRecord): LeaseRecord {
    const written = { ...record, version: String(++this.count.writes), endsMs: this.clock.now() + record.ttlMs };
    this.leases.set(record.key, written);
    for (const { key, tell } of this.watchers) if (key === record.key) tell();
    return this.seen(written);
  }

  seen({ endsMs, ...record }: LeaseRecord & { readonly endsMs: number }): LeaseRecord {
    return this.expiry === 'server' ? { ...record, remainingMs: endsMs - this.clock.now() } : record;
  }

  async acquire(candidacy: Candidacy, signal: AbortSignal): Promise<Granted | Denied> {
    signal.throwIfAborted();
    const { key, holder, nonce, ttlMs, data, expectDead } = candidacy;
    const last = this.leases.get(key);
    const held = last !== undefined && !this.isOver(last);
    if (held && last.nonce === nonce) {
      return { granted: true, record: this.write({ ...last, ttlMs, data }), predecessor: 'unknown' };
    }
    if (held && !(this.expiry === 'observer' && last.version === expectDead))
      return { granted: false, current: this.seen(last) };
    const predecessor = last === undefined ? 'none' : last.holder === null ? 'released' : 'expired';
    const record = { key, holder, nonce, token: this.token(last), version: '', ttlMs, data };
    return { granted: true, record: this.write(record), predecessor };
  }

  async renew(
    held: readonly LeaseRecord[],
    patch: { readonly ttlMs: number; readonly data?: string | undefined },
    signal: AbortSignal,
  ): Promise<readonly (LeaseRecord | null)[]> {
    signal.throwIfAborted();
    return held.map((one) => {
      if (!this.owns(one)) return null;
      const last = this.leases.get(one.key)!;
      return this.write({ ...last, ttlMs: patch.ttlMs, data: patch.data ?? last.data });
    });
  }

  async release(held: LeaseRecord, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (!this.owns(held)) return false;
    this.write({ ...this.leases.get(held.key)!, holder: null, data: undefined });
    return true;
  }

  async read(key: string, signal: AbortSignal): Promise<LeaseRecord | null> {
    signal.throwIfAborted();
    const last = this.leases.get(key);
    if (last === undefined || (last.holder !== null && this.isOver(last))) return null;
    return this.seen(last);
  }

  async *watch(key: string, signal: AbortSignal): AsyncIterable<undefined> {
    const told: true[] = [];
    let wake = (): void => {};
    const tell = (): void => {
      told.push(true);
      wake();
    };
    const watcher = { key, tell };
    this.watchers.add(watcher);
    signal.addEventListener('abort', tell);
    if (signal.aborted) tell();
    for (;;) {
      if (told.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      if (signal.aborted) break;
      told.length = 0;
      yield;
    }
    this.watchers.delete(watcher);
  }
}

/** The tests that a store with a fault fails, each with what it said. */
async function failures(
  kind: Kind,
  fault: Fault = () => ({}),
  options: LeaseStoreSuiteOptions = {},
): Promise<Record<string, string>> {
  const clock = new VirtualClock({ epochMs: 1_000_000 });
  const sound = new SoundStore(kind, clock);
  const store = Object.assign(Object.create(sound) as SoundStore, fault(sound));
  const tests: [string, () => Promise<void>][] = [];
  leaseStoreSuite(
    () => store,
    { describe: (_, body) => body(), it: (name, body) => tests.push([name, body]) },
    {
      waitMs: (ms) => clock.advance(ms),
      remove: (key) => sound.leases.delete(key),
      wipe: () => sound.leases.clear(),
      ...options,
    },
  );
  const failed: Record<string, string> = {};
  for (const [name, body] of tests) {
    try {
      await body();
    } catch (error) {
      failed[name] = (error as Error).message;
    }
  }
  return failed;
}

const turn = (): Promise<void> => Promise.resolve();

/** Test → a store that breaks what it is about, by kind. */
const faults: readonly [law: string, what: string, kind: Kind, fault: Fault][] = [
  ['says what it can do', 'steps of nothing', 'server', () => ({ limits: { minTtlMs: 1, stepMs: 0 } })],
  [
    'says what it can do',
    'a longest lease below the shortest',
    'server',
    () => ({ limits: { minTtlMs: 9, maxTtlMs: 5, stepMs: 1 } }),
  ],
  [
    'says what it can do',
    'a shortest lease between steps',
    'server',
    () => ({ limits: { minTtlMs: 1500, stepMs: 1000 } }),
  ],
  ['says what it can do', 'an expiry that nobody knows', 'server', () => ({ expiry: 'never' as never })],
  ['says what it can do', 'a durability that nobody knows', 'server', () => ({ durability: 'so-so' as never })],
  [
    'knows nothing of a lease',
    'a record out of nothing',
    'server',
    (sound) => ({
      read: async (key, signal) => (await sound.read(key, signal)) ?? ({ key, holder: null } as LeaseRecord),
    }),
  ],
  [
    'knows nothing of a lease',
    'a predecessor out of nothing',
    'server',
    (sound) => ({ acquire: changed(sound, (answer) => ({ ...answer, predecessor: 'expired' })) }),
  ],
  [
    'grants one of many racers',
    'a look before a leap',
    'server',
    (sound) => ({
      acquire: async (candidacy, signal) => {
        const found = await sound.read(candidacy.key, signal);
        await turn();
        if (found === null) sound.leases.delete(candidacy.key);
        return await sound.acquire(candidacy, signal);
      },
    }),
  ],
  [
    'tells who is denied',
    'a denial that tells nothing',
    'server',
    (sound) => ({
      acquire: async (candidacy, signal) => {
        const answer = await sound.acquire(candidacy, signal);
        return answer.granted ? answer : { granted: false, current: null };
      },
    }),
  ],
  [
    'the same candidacy again',
    'a candidacy that denies itself',
    'server',
    (sound) => ({
      acquire: async (candidacy, signal) => {
        const current = await sound.read(candidacy.key, signal);
        return (current?.holder ?? null) === null ? sound.acquire(candidacy, signal) : { granted: false, current };
      },
    }),
  ],
  [
    'the same candidacy again',
    'a new token for the same candidacy',
    'server',
    (sound) => ({
      acquire: async (candidacy, signal) => {
        const last = sound.leases.get(candidacy.key);
        if (last?.nonce === candidacy.nonce) sound.leases.set(candidacy.key, { ...last, token: last.token + 1n });
        return await sound.acquire(candidacy, signal);
      },
    }),
  ],
  [
    'the same candidacy again',
    'a grant again that renews nothing',
    'server',
    (sound) => ({
      acquire: async (candidacy, signal) => {
        const record = await sound.read(candidacy.key, signal);
        if (record?.nonce === candidacy.nonce && record.holder !== null)
          return { granted: true, record, predecessor: 'unknown' };
        return await sound.acquire(candidacy, signal);
      },
    }),
  ],
  [
    'another candidacy of the same holder',
    'candidacies told apart by holder',
    'server',
    (sound) => ({
      acquire: async (candidacy, signal) => {
        const last = sound.leases.get(candidacy.key);
        const nonce = last?.holder === candidacy.holder ? last.nonce : candidacy.nonce;
        return await sound.acquire({ ...candidacy, nonce }, signal);
      },
    }),
  ],
  [
    'keeps elections apart',
    'one lease for all',
    'server',
    (sound) => ({
      release: async (held, signal) => {
        sound.leases.clear();
        return !signal.aborted && held.holder !== null;
      },
    }),
  ],
  [
    'raises the token with each grant',
    'a token for ever',
    'server',
    (sound) => {
      sound.token = () => 5n;
      return {};
    },
  ],
  ['raises the token over a deletion', 'a token that counts', 'server', counting],
  ['raises the token over the loss', 'a token that counts', 'observer', counting],
  [
    'gives every write another version',
    'a version by token',
    'server',
    (sound) => ({
      renew: async (held, patch, signal) =>
        (await sound.renew(held, patch, signal)).map((record) => {
          if (record === null) return null;
          const version = `of-${String(record.token)}`;
          sound.leases.set(record.key, { ...sound.leases.get(record.key)!, version });
          return { ...record, version };
        }),
    }),
  ],
  [
    'renews by key, nonce and token',
    'renewals without the nonce',
    'server',
    (sound) => ({ renew: renewingIf(sound, ['token']) }),
  ],
  [
    'renews by key, nonce and token',
    'renewals without the token',
    'server',
    (sound) => ({ renew: renewingIf(sound, ['nonce']) }),
  ],
  [
    'renews whatever version',
    'renewals of the last version only',
    'observer',
    (sound) => ({ renew: renewingIf(sound, ['nonce', 'token', 'version']) }),
  ],
  [
    'answers renewals one by one',
    'answers without those that are lost',
    'server',
    (sound) => ({
      renew: async (held, patch, signal) => (await sound.renew(held, patch, signal)).filter((one) => one !== null),
    }),
  ],
  [
    'answers renewals one by one',
    'answers by key',
    'server',
    (sound) => ({
      renew: async (held, patch, signal) =>
        [...(await sound.renew(held, patch, signal))].sort((a, b) => ((a?.key ?? '') < (b?.key ?? '') ? -1 : 1)),
    }),
  ],
  [
    'keeps data that a renewal',
    'a renewal that forgets the data',
    'server',
    (sound) => ({
      renew: (held, patch, signal) => {
        for (const { key } of held) {
          const last = sound.leases.get(key);
          if (last !== undefined) sound.leases.set(key, { ...last, data: undefined });
        }
        return sound.renew(held, patch, signal);
      },
    }),
  ],
  [
    'keeps data that a renewal',
    'a renewal that takes empty data for none',
    'server',
    (sound) => ({
      renew: (held, { ttlMs, data }, signal) => sound.renew(held, data === '' ? { ttlMs } : { ttlMs, data }, signal),
    }),
  ],
  [
    'tells nothing of those',
    'data that stays',
    'server',
    (sound) => {
      const kept = new Map<string, string>();
      return {
        acquire: (candidacy, signal) => {
          const data = candidacy.data ?? kept.get(candidacy.key);
          if (data !== undefined) kept.set(candidacy.key, data);
          return sound.acquire({ ...candidacy, data }, signal);
        },
      };
    },
  ],
  [
    'frees a lease at once',
    'a release that lets the lease expire',
    'server',
    (sound) => ({ release: async (held, signal) => !signal.aborted && sound.owns(held) }),
  ],
  [
    'frees a lease at once',
    'a release that looks like an expiry',
    'server',
    (sound) => ({
      acquire: changed(sound, (answer) => ({
        ...answer,
        predecessor: answer.predecessor === 'released' ? 'expired' : answer.predecessor,
      })),
    }),
  ],
  ['releases its own lease only', 'a release by the key', 'server', (sound) => ({ release: releasingIf(sound, []) })],
  [
    'releases its own lease only',
    'a release by the nonce',
    'server',
    (sound) => ({ release: releasingIf(sound, ['nonce']) }),
  ],
  [
    'releases its own lease only',
    'a release by the token',
    'server',
    (sound) => ({ release: releasingIf(sound, ['token']) }),
  ],
  [
    'releases its own lease only',
    'a release that is always done',
    'server',
    (sound) => ({ release: (held, signal) => sound.release(held, signal).then(() => true) }),
  ],
  [
    'grants a candidacy anew',
    'a candidacy that gets its old token back',
    'server',
    (sound) => {
      const tokens = new Map<string, bigint>();
      return {
        acquire: changed(sound, ({ record, ...answer }) => {
          const token = tokens.get(record.nonce) ?? record.token;
          tokens.set(record.nonce, token);
          sound.leases.set(record.key, { ...sound.leases.get(record.key)!, token });
          return { ...answer, record: { ...record, token } };
        }),
      };
    },
  ],
  [
    'lets another take over',
    'leases for ever',
    'server',
    (sound) => {
      sound.isOver = ({ holder }) => holder === null;
      return {};
    },
  ],
  [
    'lets another take over',
    'a take-over under the same token',
    'observer',
    (sound) => ({
      acquire: async (candidacy, signal) => {
        const last = sound.leases.get(candidacy.key);
        const answer = await sound.acquire(candidacy, signal);
        if (!answer.granted || last?.version !== candidacy.expectDead || last === undefined) return answer;
        sound.leases.set(candidacy.key, { ...sound.leases.get(candidacy.key)!, token: last.token });
        return { ...answer, record: { ...answer.record, token: last.token } };
      },
    }),
  ],
  [
    'lets another take over',
    'a take-over that looks like a release',
    'observer',
    (sound) => ({ acquire: changed(sound, (answer) => ({ ...answer, predecessor: 'released' })) }),
  ],
  [
    'lets one of many take over',
    'a take-over of whatever there is',
    'observer',
    (sound) => ({
      acquire: (candidacy, signal) => {
        const version = sound.leases.get(candidacy.key)?.version;
        return sound.acquire(
          { ...candidacy, ...(candidacy.expectDead !== undefined && { expectDead: version }) },
          signal,
        );
      },
    }),
  ],
  [
    'a lease that is over cannot be renewed',
    'a renewal that revives',
    'server',
    (sound) => ({ renew: renewingIf(sound, ['nonce', 'token']) }),
  ],
  [
    'a renewal prolongs the lease',
    'a renewal that keeps the length',
    'server',
    (sound) => ({
      renew: async (held, patch, signal) => {
        const answers = await sound.renew(held, { ...patch, ttlMs: held[0]?.ttlMs ?? patch.ttlMs }, signal);
        return answers.map((record) => record && { ...record, ttlMs: patch.ttlMs });
      },
    }),
  ],
  [
    'a candidate cannot declare a lease dead',
    'candidates that are believed',
    'server',
    (sound) => ({
      acquire: (candidacy, signal) => {
        if (sound.leases.get(candidacy.key)?.version === candidacy.expectDead) sound.leases.delete(candidacy.key);
        return sound.acquire(candidacy, signal);
      },
    }),
  ],
  [
    'tells how long a lease has left',
    'a time in place of a length',
    'server',
    (sound) => ({
      acquire: changed(sound, (answer) => ({
        ...answer,
        record: { ...answer.record, remainingMs: sound.clock.wallNow() },
      })),
    }),
  ],
  [
    'a lease lasts until a candidate',
    'a store that expires too',
    'observer',
    (sound) => ({
      acquire: (candidacy, signal) => {
        const last = sound.leases.get(candidacy.key);
        if ((last?.endsMs ?? Infinity) <= sound.clock.now()) sound.leases.delete(candidacy.key);
        return sound.acquire(candidacy, signal);
      },
    }),
  ],
  [
    'declares dead by the present version',
    'a take-over by the token',
    'observer',
    (sound) => {
      const tokens = new Map<string, bigint>();
      return {
        acquire: async (candidacy, signal) => {
          const last = sound.leases.get(candidacy.key);
          const token = tokens.get(candidacy.expectDead ?? '');
          const same = last !== undefined && last.token === token;
          const answer = await sound.acquire(same ? { ...candidacy, expectDead: last.version } : candidacy, signal);
          if (answer.granted) tokens.set(answer.record.version, answer.record.token);
          return answer;
        },
      };
    },
  ],
  [
    'a renewal or a take-over',
    'a renewal that looks before it leaps',
    'observer',
    (sound) => ({
      renew: async (held, patch, signal) => {
        signal.throwIfAborted();
        const found = held.map((one) => sound.owns(one));
        await turn();
        return held.map((one, i) =>
          found[i]! ? sound.write({ ...one, ttlMs: patch.ttlMs, data: patch.data ?? one.data }) : null,
        );
      },
    }),
  ],
  [
    'knows hostile names',
    'names in lower case',
    'server',
    (sound) => ({ ...throughKeys(sound, (key) => key.toLowerCase()) }),
  ],
  [
    'knows hostile names',
    'names in one form',
    'server',
    (sound) => ({ ...throughKeys(sound, (key) => key.normalize('NFC')) }),
  ],
  [
    'knows hostile names',
    'names that are cut',
    'server',
    (sound) => ({ ...throughKeys(sound, (key) => key.slice(0, 100)) }),
  ],
  [
    'knows hostile names',
    'names as paths',
    'server',
    (sound) => ({ ...throughKeys(sound, (key) => new URL(key, 'x:/').pathname) }),
  ],
  [
    'tells the world whatever text',
    'data that is cut',
    'server',
    (sound) => telling(sound, (data) => data.slice(0, 65_535)),
  ],
  ['tells the world whatever text', 'data that is trimmed', 'server', (sound) => telling(sound, (data) => data.trim())],
  [
    'tells the world whatever text',
    'data as Latin 1',
    'server',
    (sound) => telling(sound, (data) => Buffer.from(data, 'latin1').toString('latin1')),
  ],
  ...(['acquire', 'renew', 'release', 'read'] as const).map((method): (typeof faults)[number] => [
    'does nothing for a signal',
    `${method} without a look at the signal`,
    'server',
    (sound) => ({
      [method]: (...args: unknown[]) =>
        (sound[method] as (...args: unknown[]) => unknown)(...args.slice(0, -1), new AbortController().signal),
    }),
  ]),
  [
    'does nothing for a signal',
    'another reason',
    'server',
    (sound) => ({
      read: async (key, signal) => {
        if (signal.aborted) throw new Error('aborted');
        return await sound.read(key, signal);
      },
    }),
  ],
  [
    'does nothing for a signal',
    'a lease that was taken all the same',
    'server',
    (sound) => ({
      acquire: async (candidacy, signal) => {
        const answer = await sound.acquire(candidacy, new AbortController().signal);
        signal.throwIfAborted();
        return answer;
      },
    }),
  ],
  [
    'settles at once when the signal aborts',
    'a call that never settles',
    'server',
    (sound) => ({
      acquire: async (candidacy, signal) => {
        for (let i = 0; i < 3; i++) await turn();
        if (signal.aborted) return await new Promise(() => undefined);
        return await sound.acquire(candidacy, signal);
      },
    }),
  ],
  [
    'settles at once when the signal aborts',
    'another reason',
    'server',
    (sound) => ({
      acquire: async (candidacy, signal) => {
        for (let i = 0; i < 3; i++) await turn();
        if (signal.aborted) throw new Error('aborted');
        return await sound.acquire(candidacy, signal);
      },
    }),
  ],
  [
    'watch: ends',
    'a watch that fails',
    'server',
    (sound) => ({
      async *watch(key, signal) {
        yield* sound.watch(key, signal);
        signal.throwIfAborted();
      },
    }),
  ],
  [
    'watch: ends',
    'a watch for ever',
    'server',
    (sound) => ({ watch: (key) => sound.watch(key, new AbortController().signal) }),
  ],
  [
    'watch: hints',
    'a watch that is silent',
    'server',
    (sound) => ({ watch: (_, signal) => sound.watch('other', signal) }),
  ],
  [
    'watch: hints',
    'a watch that is silent about releases',
    'server',
    (sound) => ({
      release: async (held, signal) => {
        const watchers = [...sound.watchers];
        sound.watchers.clear();
        const done = await sound.release(held, signal);
        for (const watcher of watchers) sound.watchers.add(watcher);
        return done;
      },
    }),
  ],
  [
    'storm',
    'a release that is done later',
    'server',
    (sound) => ({
      release: async (held, signal) => {
        const own = sound.owns(held);
        void turn()
          .then(turn)
          .then(turn)
          .then(turn)
          .then(() => sound.release(held, signal))
          .catch(() => undefined);
        return own;
      },
    }),
  ],
  [
    'storm',
    'a read of yesterday',
    'server',
    (sound) => {
      const old = new Map<string, LeaseRecord | null>();
      return {
        read: async (key, signal) => {
          const now = await sound.read(key, signal);
          const before = old.get(key) ?? now;
          old.set(key, now);
          return before;
        },
      };
    },
  ],
  [
    'storm',
    'a take-over now and then of who has renewed',
    'observer',
    (sound) => {
      let takeOvers = 0;
      return {
        acquire: (candidacy, signal) => {
          const version = sound.leases.get(candidacy.key)?.version;
          const careless = candidacy.expectDead !== undefined && ++takeOvers % 5 === 0;
          return sound.acquire(careless ? { ...candidacy, expectDead: version } : candidacy, signal);
        },
      };
    },
  ],
];

function changed(sound: SoundStore, change: (answer: Granted) => Granted): LeaseStore['acquire'] {
  return async (candidacy, signal) => {
    const answer = await sound.acquire(candidacy, signal);
    return answer.granted ? change(answer) : answer;
  };
}

function counting(sound: SoundStore): Partial<LeaseStore> {
  sound.token = (last) => (last?.token ?? 0n) + 1n;
  return {};
}

function renewingIf(sound: SoundStore, fields: readonly ('nonce' | 'token' | 'version')[]): LeaseStore['renew'] {
  return async (held, patch, signal) => {
    signal.throwIfAborted();
    return held.map((one) => {
      const last = sound.leases.get(one.key);
      if (last === undefined || last.holder === null || fields.some((field) => last[field] !== one[field])) return null;
      return sound.write({ ...last, ttlMs: patch.ttlMs, data: patch.data ?? last.data });
    });
  };
}

function releasingIf(sound: SoundStore, fields: readonly ('nonce' | 'token')[]): LeaseStore['release'] {
  return async (held, signal) => {
    signal.throwIfAborted();
    const last = sound.leases.get(held.key);
    if (last === undefined || sound.isOver(last) || fields.some((field) => last[field] !== held[field])) return false;
    sound.write({ ...last, holder: null, data: undefined });
    return true;
  };
}

/** A store that knows a key by something else, and gives it back as it was asked for. */
function throughKeys(sound: SoundStore, known: (key: string) => string): Partial<LeaseStore> {
  const inside = <T extends { readonly key: string }>(one: T): T => ({ ...one, key: known(one.key) });
  return {
    acquire: async (candidacy, signal) => {
      const answer = await sound.acquire(inside(candidacy), signal);
      return answer.granted ? { ...answer, record: { ...answer.record, key: candidacy.key } } : answer;
    },
    renew: async (held, patch, signal) => {
      const answers = await sound.renew(held.map(inside), patch, signal);
      return answers.map((record, i) => record && { ...record, key: held[i]!.key });
    },
    release: (held, signal) => sound.release(inside(held), signal),
    read: async (key, signal) => {
      const record = await sound.read(known(key), signal);
      return record && { ...record, key };
    },
  };
}

function telling(sound: SoundStore, told: (data: string) => string): Partial<LeaseStore> {
  return {
    renew: (held, { ttlMs, data }, signal) =>
      sound.renew(held, data === undefined ? { ttlMs } : { ttlMs, data: told(data) }, signal),
  };
}

describe('leaseStoreSuite', () => {
  it.each(['server', 'observer'] as const)('passes a sound store, expiry by %s', async (kind) => {
    expect(await failures(kind)).toEqual({});
  });

  it.each([2, 3, 4, 5])('passes a sound store in the storm of seed %i', async (seed) => {
    for (const kind of ['server', 'observer'] as const)
      expect(await failures(kind, undefined, { seed, candidates: 12, rounds: 60 })).toEqual({});
  });

  it.each(faults)('%s: finds %s', async (law, _, kind, fault) => {
    const failed = await failures(kind, fault);
    expect(Object.keys(failed).join('; ')).toContain(law);
  });

  it('has a fault for each of its tests', async () => {
    const names: string[] = [];
    const hook = (): void => {};
    leaseStoreSuite(
      () => new SoundStore('server', new VirtualClock()),
      { describe: (_, body) => body(), it: (name) => names.push(name) },
      { remove: hook, wipe: hook },
    );
    expect(names.filter((name) => !faults.some(([law]) => name.includes(law)))).toEqual([]);
  });
});
