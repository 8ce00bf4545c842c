import fc from 'fast-check';
import { isNoNodes, type Placement, type PlacementNode } from 'holdfast/hashing';
import { ShardRouter } from 'holdfast/sharding';
import { seededRandom } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { HandClock } from '../support/hand-clock.ts';
import { runs } from '../support/properties.ts';
import { hashers, kinds, placed, thrownBy } from '../hashing/support.ts';
import { memberships } from './support.ts';

const manyRuns = { numRuns: runs(10) };
const coolDownMs = 100;
const windowMs = 10;

type Step =
  | { readonly does: 'wait'; readonly ms: number }
  | { readonly does: 'read'; readonly key: string; readonly times: number; readonly holding: boolean }
  | { readonly does: 'write'; readonly key: string }
  | { readonly does: 'move'; readonly nodes: readonly PlacementNode[] };

const someKey = fc.constantFrom('x', 'x', 'y', '__proto__', '');
const script: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        does: fc.constant('read' as const),
        key: someKey,
        times: fc.constantFrom(1, 1, 2, 5, 12),
        holding: fc.boolean(),
      }),
    },
    { weight: 5, arbitrary: fc.record({ does: fc.constant('write' as const), key: someKey }) },
    { weight: 4, arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 30 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.constantFrom(99, 100, 101, 250, 1_000) }),
    },
    { weight: 2, arbitrary: fc.record({ does: fc.constant('move' as const), nodes: memberships }) },
  ),
  { maxLength: 50 },
);

const rules = fc.record({
  base: fc.integer({ min: 1, max: 2 }),
  max: fc.integer({ min: 2, max: 6 }),
  coolDownMs: fc.constant(coolDownMs),
  targetRate: fc.constantFrom(100, 250),
  nodeFactor: fc.constantFrom(1.2, 2, Infinity),
});
const capacities = fc.constantFrom(1, 2, 64);

interface Copy {
  version: number;
  readonly filledMs: number;
}

/** A cache on each node that is filled by reads, brought up to date by writes, and forgets after less than `coolDownMs`. */
class Caches {
  readonly #copies = new Map<string, Copy>();
  readonly #versions = new Map<string, number>();

  read(node: string, key: string, nowMs: number): void {
    const name = JSON.stringify([node, key]);
    const copy = this.#copies.get(name);
    const version = this.#versions.get(key) ?? 0;
    if (copy !== undefined && nowMs - copy.filledMs < coolDownMs) expect(copy.version).toBe(version);
    else this.#copies.set(name, { version, filledMs: nowMs });
  }

  write(nodes: readonly PlacementNode[], key: string): void {
    const version = (this.#versions.get(key) ?? 0) + 1;
    this.#versions.set(key, version);
    for (const { id } of nodes) {
      const copy = this.#copies.get(JSON.stringify([id, key]));
      if (copy !== undefined) copy.version = version;
    }
  }

  drop(nodes: readonly PlacementNode[], key: string): void {
    for (const { id } of nodes) this.#copies.delete(JSON.stringify([id, key]));
  }
}

describe('ShardRouter', () => {
  it('lets no reader see a copy that a write has missed, and keeps primary and prefix, in every interleaving', () => {
    fc.assert(
      fc.property(
        rules,
        capacities,
        kinds,
        memberships,
        hashers,
        script,
        (replication, capacity, kind, first, hasher, steps) => {
          const clock = new HandClock();
          let placement: Placement<PlacementNode> = placed[kind](first, { hasher });
          const options = {
            replication,
            detector: { capacity, windowMs },
            runtime: { clock, random: seededRandom(1) },
          };
          const router = new ShardRouter(placement, options);
          const told = new Map<string, number>();
          // A listener that throws breaks nothing, this test included: what is wrong is kept for later.
          const wrong: unknown[] = [];
          router.on('hot', (event) => {
            if ((told.get(event.key as string) ?? replication.base) !== event.before) wrong.push(event);
            if (event.added.length !== event.replicas - event.before) wrong.push(event);
            told.set(event.key as string, event.replicas);
          });
          router.on('cool', (event) => {
            if ((told.get(event.key as string) ?? replication.base) !== event.before) wrong.push(event);
            told.set(event.key as string, event.replicas);
          });
          const caches = new Caches();
          const readable: { readonly key: string; readonly id: string; readonly atMs: number }[] = [];
          const leases = [];
          let moves = 0;
          router.on('moved', () => moves++);

          for (const step of steps) {
            const hasNodes = placement.get('x') !== undefined;
            if (step.does === 'wait') clock.nowMs += step.ms;
            else if (step.does === 'move') {
              const before = placement;
              const movesBefore = moves;
              placement = placed[kind](step.nodes, { hasher });
              router.update(placement);
              expect(moves - movesBefore).toBe(before.fingerprint === placement.fingerprint ? 0 : 1);
            } else if (!hasNodes) {
              const ask = (): unknown => (step.does === 'read' ? router.read(step.key) : router.write(step.key));
              expect(isNoNodes(thrownBy(ask))).toBe(true);
            } else if (step.does === 'read') {
              for (let i = 0; i < step.times; i++) {
                const lease = router.acquire(step.key);
                if (step.holding) leases.push(lease);
                else lease.release();
                caches.read(lease.node.id, step.key, clock.nowMs);
                expect(placement.getN(step.key, placement.size)[lease.rank]?.id).toBe(lease.node.id);
              }
            } else {
              const live = router.replicas(step.key);
              const written = router.write(step.key);
              caches.write(written, step.key);
              expect(written.slice(0, live.length)).toEqual(live);
              const ids = written.map(({ id }) => id);
              expect(new Set(ids).size).toBe(ids.length);
              for (const past of readable) {
                if (past.key === step.key && clock.nowMs - past.atMs < coolDownMs) expect(ids).toContain(past.id);
              }
            }
            if (step.does === 'read' || step.does === 'write') {
              const live = router.replicas(step.key);
              const count = placement.getN('', 9).length;
              const replicas = Math.min(told.get(step.key) ?? replication.base, count);
              expect(live).toEqual(placement.getN(step.key, replicas));
              expect(live.length).toBeLessThanOrEqual(Math.max(replication.base, replication.max));
              for (const { id } of live) readable.push({ key: step.key, id, atMs: clock.nowMs });
            }
          }

          expect(wrong).toEqual([]);
          const { keys, nodes, placement: fingerprint } = router.snapshot();
          expect(fingerprint).toBe(placement.fingerprint);
          expect(keys.length).toBeLessThanOrEqual(capacity);
          const eligible = placement.getN('', 9).length;
          for (const { key, replicas, nodes: ids } of keys) {
            expect(replicas).toBe(Math.min(told.get(key as string)!, eligible));
            expect(ids).toHaveLength(replicas);
            expect(ids[0]).toBe(placement.get(key)?.id);
          }
          const unlisted = [...told].filter(([name]) => !keys.some(({ key }) => key === name));
          for (const [, replicas] of unlisted) expect(replicas).toBe(replication.base);
          const held = new Map<string, number>();
          for (const { node } of leases) held.set(node.id, (held.get(node.id) ?? 0) + 1);
          for (const { id, inFlight } of nodes) expect(inFlight).toBe(held.get(id) ?? 0);
          for (const lease of [...leases, ...leases]) lease.release();
          expect(router.snapshot().nodes.every(({ inFlight }) => inFlight === 0)).toBe(true);

          clock.nowMs += 2 * windowMs;
          router.snapshot();
          clock.nowMs += 2 * windowMs;
          router.snapshot();
          clock.nowMs += (replication.max - replication.base + 1) * coolDownMs;
          router.snapshot();
          expect(router.snapshot().keys).toEqual([]);
          expect(wrong).toEqual([]);
          expect(router.snapshot().formerPlacements).toBe(0);
          for (const replicas of told.values()) expect(replicas).toBe(replication.base);
        },
      ),
      manyRuns,
    );
  });

  it('says with `retired` where copies must go that would live for ever', () => {
    fc.assert(
      fc.property(rules, kinds, memberships, hashers, script, (replication, kind, first, hasher, steps) => {
        const clock = new HandClock();
        const placement = placed[kind]([...first, { id: 'z' }], { hasher });
        const options = { replication, detector: { windowMs }, runtime: { clock, random: seededRandom(1) } };
        const router = new ShardRouter(placement, options);
        const copies = new Map<string, number>();
        const versions = new Map<string, number>();
        const name = (id: string, key: unknown): string => JSON.stringify([id, key]);
        router.on('retired', ({ key, nodes }) => {
          for (const { id } of nodes) copies.delete(name(id, key));
        });
        for (const step of steps) {
          if (step.does === 'wait') clock.nowMs += step.ms;
          if (step.does === 'read') {
            for (let i = 0; i < step.times; i++) {
              const { id } = router.read(step.key);
              const version = versions.get(step.key) ?? 0;
              expect(copies.get(name(id, step.key)) ?? version).toBe(version);
              copies.set(name(id, step.key), version);
            }
          }
          if (step.does === 'write') {
            const version = (versions.get(step.key) ?? 0) + 1;
            versions.set(step.key, version);
            for (const { id } of router.write(step.key)) {
              if (copies.has(name(id, step.key))) copies.set(name(id, step.key), version);
            }
          }
        }
      }),
      manyRuns,
    );
  });
});
