/** A store by one candidate after the other, against which the real ones are held, answer by answer. */
import fc from 'fast-check';
import type { LeaseRecord, LeaseStore } from 'holdfast/election';
import type { VirtualClock } from 'holdfast/testing';
import { expect } from 'vitest';

interface Lease {
  readonly holder: string | null;
  readonly nonce: string;
  readonly token: bigint;
  readonly ttlMs: number;
  readonly data: string | undefined;
  readonly endsMs: number;
}

const key = fc.constantFrom('a', 'b');
const data = fc.constantFrom(undefined, '', 'one', 'two');
const ttlMs = fc.integer({ min: 1, max: 20 });
const pick = fc.nat(100);

/** One thing to do; `pick` is one of the records seen so far. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('acquire' as const), key, nonce: fc.constantFrom('1', '2', '3'), ttlMs, data, pick }),
  fc.record({ kind: fc.constant('renew' as const), pick, ttlMs, data }),
  fc.record({ kind: fc.constant('release' as const), pick }),
  fc.record({ kind: fc.constant('read' as const), key }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 15 }) }),
);

export const steps = fc.array(step, { maxLength: 30 });

/** Does the steps with the store and with the model, and holds one to the other. */
export async function follow(
  store: LeaseStore,
  clock: VirtualClock,
  todo: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
): Promise<void> {
  const { signal } = new AbortController();
  const leases = new Map<string, Lease>();
  const versions = new Set<string>();
  const seen: LeaseRecord[] = [];
  const observed = store.expiry === 'observer';
  const holds = (lease: Lease | undefined): lease is Lease =>
    lease !== undefined && lease.holder !== null && (observed || clock.now() < lease.endsMs);
  const own = ({ key, nonce, token }: LeaseRecord): Lease | undefined => {
    const lease = leases.get(key);
    return holds(lease) && lease.nonce === nonce && lease.token === token ? lease : undefined;
  };
  /** A record that has to be that of the lease; a write has to have brought another version. */
  const agree = (key: string, record: LeaseRecord | null | undefined, written: boolean): void => {
    const { endsMs, ...lease } = leases.get(key)!;
    const { version, remainingMs, ...told } = record!;
    expect(told).toEqual({ key, ...lease });
    expect(remainingMs).toBe(observed || lease.holder === null ? undefined : endsMs - clock.now());
    expect(versions.has(version)).toBe(!written);
    versions.add(version);
    seen.push(record!);
  };
  for (const one of todo) {
    const old = 'pick' in one ? seen[one.pick % seen.length] : undefined;
    switch (one.kind) {
      case 'wait':
        await clock.advance(one.ms);
        break;
      case 'acquire': {
        const { key, nonce, ttlMs, data } = one;
        const last = leases.get(key);
        const current = await store.read(key, signal);
        const expectDead = old?.key === key ? old.version : undefined;
        const answer = await store.acquire({ key, holder: `h${nonce}`, nonce, ttlMs, data, expectDead }, signal);
        const again = holds(last) && last.nonce === nonce;
        const free = !holds(last) || (observed && expectDead === current?.version);
        expect(answer.granted).toBe(again || free);
        if (answer.granted) {
          const wall = BigInt(clock.wallNow());
          const token = again ? last.token : last !== undefined && last.token >= wall ? last.token + 1n : wall;
          const told = again ? (data ?? last.data) : data;
          leases.set(key, { holder: `h${nonce}`, nonce, token, ttlMs, data: told, endsMs: clock.now() + ttlMs });
          const end = last === undefined ? 'none' : last.holder === null ? 'released' : 'expired';
          expect(answer.predecessor).toBe(again ? 'unknown' : end);
          agree(key, answer.record, true);
        } else agree(key, answer.current, false);
        break;
      }
      case 'renew': {
        if (old === undefined) break;
        const lease = own(old);
        const [record] = await store.renew([old], { ttlMs: one.ttlMs, data: one.data }, signal);
        if (lease === undefined) {
          expect(record).toBe(null);
          break;
        }
        const endsMs = clock.now() + one.ttlMs;
        leases.set(old.key, { ...lease, ttlMs: one.ttlMs, data: one.data ?? lease.data, endsMs });
        agree(old.key, record, true);
        break;
      }
      case 'release': {
        if (old === undefined) break;
        const lease = own(old);
        expect(await store.release(old, signal)).toBe(lease !== undefined);
        if (lease === undefined) break;
        leases.set(old.key, { ...lease, holder: null, data: old.data });
        agree(old.key, await store.read(old.key, signal), true);
        break;
      }
      case 'read': {
        const lease = leases.get(one.key);
        const record = await store.read(one.key, signal);
        if (lease?.holder === null || holds(lease)) agree(one.key, record, false);
        else expect(record).toBe(null);
      }
    }
  }
}
