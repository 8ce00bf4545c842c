import fc from 'fast-check';
import { redisSlot, SlotTable, type SlotTableOptions } from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/properties.ts';

const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `node-${String(i)}`);

const cluster = new SlotTable(named(3), { compat: 'redis' });

/** CRC-16/XMODEM bit by bit, as the text of the specification has it. */
function specifiedSlot(bytes: Uint8Array): number {
  const text = String.fromCharCode(...bytes);
  const tag = /^[^{]*\{([^}]+)\}/.exec(text)?.[1] ?? text;
  let crc = 0;
  for (const char of tag) {
    for (let bit = 7; bit >= 0; bit--) {
      const top = ((crc >> 15) ^ (char.charCodeAt(0) >> bit)) & 1;
      crc = ((crc << 1) & 0xffff) ^ (top * 0x1021);
    }
  }
  return crc % 16_384;
}

describe('redisSlot', () => {
  it.each([
    ['123456789', 0x31c3],
    ['somekey', 11_058],
    ['foo{hash_tag}', 2515],
    ['bar{hash_tag}', 2515],
    ['{user1}.following', 8106],
    ['{user1}.followers', 8106],
    ['user1', 8106],
    ['', 0],
  ])('of %j is %i', (key, slot) => {
    expect(redisSlot(key)).toBe(slot % 16_384);
    expect(redisSlot(new TextEncoder().encode(key))).toBe(slot % 16_384);
  });

  it('takes the first tag that is not empty, or the whole key', () => {
    expect(redisSlot('foo{bar}{zap}')).toBe(redisSlot('bar'));
    expect(redisSlot('foo{{bar}}zap')).toBe(redisSlot('{bar'));
    expect(redisSlot('}foo{bar}')).toBe(redisSlot('bar'));
    const whole = ['foo{}{bar}', 'foo{bar', 'foo}bar{'].map((key) => redisSlot(key));
    expect(whole).not.toContain(redisSlot('bar'));
    expect(whole).not.toContain(redisSlot(''));
    // What closes without an opening ends nothing.
    expect(redisSlot('foo}bar')).toBe(specifiedSlot(new TextEncoder().encode('foo}bar')));
    expect(redisSlot('foo}bar')).not.toBe(redisSlot('foo'));
  });

  it('is the CRC of the specification, of the tag where there is one', () => {
    const parts = fc.array(fc.oneof(fc.constantFrom('{', '}', '{}', 'é', '\ud800'), fc.string({ maxLength: 5 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          parts.map((some) => some.join('')),
          fc.uint8Array({ maxLength: 40 }),
        ),
        (key) => {
          const bytes = typeof key === 'string' ? new TextEncoder().encode(key) : key;
          expect(redisSlot(key)).toBe(specifiedSlot(bytes));
          expect(redisSlot(bytes)).toBe(redisSlot(key));
          expect(cluster.get(key)).toBe(cluster.ownerOf(redisSlot(key)));
        },
      ),
      { numRuns: runs(10) },
    );
  });

  it('refuses what is no key', () => {
    expect(() => redisSlot(7 as never)).toThrow(TypeError);
    expect(() => redisSlot(7 as never)).toThrow(/^key must be a string or a Uint8Array, got 7$/);
  });
});

describe('SlotTable', () => {
  it('keeps the slot of a key, and keys of a slot together, whatever the nodes', () => {
    const before = new SlotTable(named(5));
    const after = before.with('x').without('node-2').withWeight('node-1', 3);
    expect(before.slots).toBe(4096);
    for (let i = 0; i < 2000; i++) {
      const key = `k${String(i)}`;
      expect(after.slotOf(key)).toBe(before.slotOf(key));
      expect(after.get(key)).toBe(after.ownerOf(after.slotOf(key)));
    }
  });

  it('uses all slots alike', () => {
    const table = new SlotTable(['a'], { slots: 64 });
    const counts = new Array<number>(64).fill(0);
    for (let i = 0; i < 64_000; i++) counts[table.slotOf(`k${String(i)}`)]!++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThanOrEqual(5 * Math.sqrt(1000));
  });

  it.each([
    [4096, 10],
    [16_384, 100],
  ])('shares %i slots over %i nodes as throws of a die would', (slots, count) => {
    for (const share of new SlotTable(named(count), { slots }).ownership().values()) {
      const sigma = Math.sqrt(slots * (1 / count) * (1 - 1 / count));
      expect(Math.abs(share * slots - slots / count)).toBeLessThanOrEqual(5 * sigma);
    }
  });

  it('has the slots of a Redis Cluster on request, under any seed', () => {
    const table = new SlotTable(named(3), { compat: 'redis', seed: 5n });
    expect(table.slots).toBe(16_384);
    expect(table.slotOf('{user1}.following')).toBe(8106);
    expect(table.with('x').slots).toBe(16_384);
    expect(table.ownerOf(16_384)).toBeUndefined();
  });

  it('gives the node as it is now', () => {
    const table = new SlotTable<{ id: string; address: string }>([{ id: 'a', address: 'old' }]);
    expect(table.with({ id: 'a', address: 'new' }).get('k')?.address).toBe('new');
  });

  it.each<[SlotTableOptions, string]>([
    [{ slots: 1000 }, 'slots must be a power of two from 16 to 16384, got 1000'],
    [{ slots: 8 }, 'slots must be a power of two from 16 to 16384, got 8'],
    [{ slots: 32_768 }, 'slots must be a power of two from 16 to 16384, got 32768'],
    [{ slots: Number.NaN }, 'slots must be a power of two from 16 to 16384, got NaN'],
    [{ compat: 'redis', slots: 16_384 }, 'slots must be absent with compat "redis", got 16384'],
    [{ slots: '64' as never }, 'slots must be a power of two from 16 to 16384, got "64"'],
    [{ compat: 'valkey' as never }, 'compat must be "redis", got "valkey"'],
    [{ slot: 64 } as never, 'SlotTable has no option "slot"; it has slots, seed, hasher, compat'],
  ])('refuses bad options, case %#', (options, message) => {
    expect(() => new SlotTable(['a'], options)).toThrow(message);
  });

  it('has as few slots, and as many, as it may', () => {
    for (const slots of [16, 16_384]) expect(new SlotTable(['a'], { slots }).slots).toBe(slots);
  });
});
