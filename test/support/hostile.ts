const refuse = (): never => {
  throw new Error('hands off');
};

const everyTrap: ProxyHandler<object> = {
  get: refuse,
  has: refuse,
  ownKeys: refuse,
  getOwnPropertyDescriptor: refuse,
  getPrototypeOf: refuse,
};

function revoked<T extends object>(target: T): T {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

const named = (name: unknown): unknown => Object.defineProperty(() => undefined, 'name', { value: name });
const madeBy = (name: unknown): unknown => ({ constructor: named(name) });
const throwing = (property: string, base: object = {}): unknown =>
  Object.defineProperty(base, property, { get: refuse, configurable: true });

/** What a `catch`, an option or a listener may hand over at worst: values that throw when touched, or lie. */
export const hostileValues: readonly (readonly [string, unknown])[] = [
  ['a proxy that throws at every touch', new Proxy({}, everyTrap)],
  ['a function proxy that throws at every touch', new Proxy(() => undefined, everyTrap)],
  ['a revoked proxy', revoked({})],
  ['a revoked proxy of an array', revoked([])],
  ['a revoked proxy of a function', revoked(() => undefined)],
  ['an object without a prototype', Object.create(null)],
  ['a getter `constructor` that throws', throwing('constructor')],
  ['a getter `code` that throws', throwing('code')],
  ['a getter `then` that throws', throwing('then')],
  ['an error whose `message` throws', throwing('message', new Error('x'))],
  ['an error whose `stack` throws', throwing('stack', new Error('x'))],
  ['an error whose `message` is a symbol', Object.assign(new Error('x'), { message: Symbol('m') })],
  ['an error whose `stack` is a symbol', Object.assign(new Error('x'), { stack: Symbol('s') })],
  ['a text that cannot be made', { toString: refuse, [Symbol.toPrimitive]: refuse }],
  ['a function whose name throws', throwing('name', () => undefined)],
  ['a function whose name is a symbol', named(Symbol('f'))],
  ['a function whose name has lines', named('two\nlines')],
  ['a function whose name is long', named('f'.repeat(10_000))],
  ['a maker whose name throws', { constructor: throwing('name', () => undefined) }],
  ['a maker whose name is a symbol', madeBy(Symbol('f'))],
  ['a maker whose name is a number', madeBy(5)],
  ['a maker whose name has lines', madeBy('two\u2028lines\r\nand more')],
  ['a maker whose name is long', madeBy('f'.repeat(10_000))],
  ['a long bigint', 10n ** 1_000n],
  ['a long symbol with lines', Symbol('two\nlines'.repeat(100))],
  ['a string of control characters', '\u0000'.repeat(60)],
  ['a string of line separators', '\u2028\u2029\u0085'],
  ['a long string', 'x'.repeat(100_000)],
  ['a string cut within a pair', `${'x'.repeat(59)}😀😀`],
  ['lone surrogates', '\ud800\udc00'.repeat(30) + '\udfff'.repeat(30)],
];
