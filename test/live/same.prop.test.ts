import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sameContent } from '../../src/live/same.ts';
import { runs } from '../support/properties.ts';

const content = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom<unknown>(undefined, null, true, 0, -0, Number.NaN, 1, '', 'a', 5n, 'length'),
    fc.dictionary(fc.constantFrom('a', 'b', 'length', '__proto__', '0'), tie('node')),
    fc.dictionary(fc.constantFrom('a', 'b'), tie('node'), { noNullPrototype: true }),
    fc.array(tie('node'), { maxLength: 3 }),
    fc.array(tie('node'), { maxLength: 2 }).map((list) => new Set(list)),
    fc.array(fc.tuple(tie('node'), tie('node')), { maxLength: 2 }).map((list) => new Map(list)),
    fc.nat(2).map((ms) => new Date(ms)),
    fc.constant(new Date(Number.NaN)),
    fc.uint8Array({ maxLength: 2 }),
    fc.uint8Array({ maxLength: 2 }).map((bytes) => Buffer.from(bytes)),
    fc.float64Array({ maxLength: 2 }),
  ),
})).node;

/** Text that is the same for equal content and for no other. */
function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null)
    return Object.is(value, -0) ? '-0' : `${typeof value} ${String(value)}`;
  const kind = Object.getPrototypeOf(value) as object | null;
  const maker = kind === null ? 'null' : (kind.constructor as { name: string }).name;
  if (value instanceof Date) return `${maker} ${String(value.getTime())}`;
  if (ArrayBuffer.isView(value)) {
    return `${maker} ${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
  }
  if (Array.isArray(value) || value instanceof Set || value instanceof Map) {
    return `${maker} [${[...(value as Iterable<unknown>)].map(textOf).join()}]`;
  }
  const entries = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${textOf(each)}`);
  return `${maker} {${entries.sort().join()}}`;
}

describe('equal content', () => {
  it('is that of equal text', () => {
    fc.assert(
      fc.property(content, content, (a, b) => {
        expect(sameContent(a, b)).toBe(textOf(a) === textOf(b));
        expect(sameContent(b, a)).toBe(sameContent(a, b));
      }),
      { numRuns: runs(30) },
    );
  });

  it('is that of a copy, and of no copy that was changed somewhere', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, where) => {
        const text = JSON.stringify(value);
        const copy = JSON.parse(text) as unknown;
        expect(sameContent(JSON.parse(text), copy)).toBe(true);
        // One character of the text is changed: where that is JSON still, it is mostly another value.
        const at = where % text.length;
        const other = `${text.slice(0, at)}7${text.slice(at + 1)}`;
        try {
          const changed: unknown = JSON.parse(other);
          expect(sameContent(copy, changed)).toBe(textOf(copy) === textOf(changed));
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
        }
      }),
      { numRuns: runs(10) },
    );
  });

  it('is that of two graphs through which each walk reads the same', () => {
    const most = 5;
    const node = fc.record({ is: fc.nat(1), to: fc.array(fc.nat(most - 1), { maxLength: 2 }) });
    const graph = fc.array(node, { minLength: most, maxLength: most });
    type Graph = readonly { readonly is: number; readonly to: readonly number[] }[];
    const made = (plan: Graph): unknown => {
      const nodes = plan.map(({ is }) => ({ is, to: [] as unknown[] }));
      plan.forEach(({ to }, i) => nodes[i]!.to.push(...to.map((j) => nodes[j])));
      return nodes[0];
    };
    // By refinement: two are the same until a shorter walk tells them apart.
    const alike = (plans: Graph): readonly number[] => {
      let classes: readonly number[] = plans.map(() => 0);
      plans.forEach(() => {
        const texts = plans.map(({ is, to }) => `${String(is)}: ${to.map((j) => classes[j]).join()}`);
        classes = texts.map((text) => texts.indexOf(text));
      });
      return classes;
    };
    fc.assert(
      fc.property(graph, graph, fc.boolean(), (one, two, unrolled) => {
        // Half of the time the other is the first, each node of it twice, linked crosswise.
        const other = unrolled
          ? [...one, ...one].map(({ is, to }, i) => ({ is, to: to.map((j) => (i < most ? j + most : j)) }))
          : two;
        const classes = alike([...one, ...other.map(({ is, to }) => ({ is, to: to.map((j) => j + most) }))]);
        expect(sameContent(made(one), made(other))).toBe(classes[0] === classes[most]);
        expect(sameContent(made(other), made(one))).toBe(classes[0] === classes[most]);
      }),
      { numRuns: runs(10) },
    );
  });

  it('is found in no time where one thing is there many times, and however deep', () => {
    const shared = (depth: number): unknown => {
      let value: unknown = {};
      for (let i = 0; i < depth; i++) value = [value, value];
      return value;
    };
    // 2^200 walks.
    expect(sameContent(shared(200), shared(200))).toBe(true);
    expect(sameContent(shared(200), shared(201))).toBe(false);
    const deep = (): unknown => JSON.parse('['.repeat(50_000) + ']'.repeat(50_000));
    expect(sameContent(deep(), deep())).toBe(true);
  });

  it('has what is named by symbols', () => {
    const name = Symbol('name');
    expect(sameContent({ [name]: 1 }, { [name]: 2 })).toBe(false);
    expect(sameContent({ [name]: [1] }, { [name]: [1] })).toBe(true);
  });

  it.each([
    ['functions', () => () => 1],
    [
      'objects of a class, which may hide what they have',
      () =>
        new (class {
          readonly #secret = Math.random();
          get secret() {
            return this.#secret;
          }
        })(),
    ],
    ['errors', () => new Error('x')],
    ['regular expressions', () => /x/],
    ['promises', () => Promise.resolve(1)],
    ['subclasses of arrays', () => new (class extends Array<number> {})()],
  ])('is nothing that two %s have', (_, make: () => unknown) => {
    const one = make();
    expect(sameContent(one, one)).toBe(true);
    expect(sameContent(one, make())).toBe(false);
    expect(sameContent({ one }, { one })).toBe(true);
  });

  it('tells a hole from undefined, and one length from another', () => {
    expect(sameContent([undefined], new Array(1))).toBe(false);
    expect(sameContent(new Array(1), new Array(2))).toBe(false);
    expect(sameContent({ a: undefined }, {})).toBe(false);
    expect(sameContent({ a: undefined }, { b: undefined })).toBe(false);
  });
});
