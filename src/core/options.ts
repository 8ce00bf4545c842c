import { HoldfastError } from './errors.ts';

/**
 * @internal What an option may be: `expected` completes the sentence "`name` must be …".
 *
 * Options are read once, at the door, by own property, so that neither a prototype nor a later change of the caller's
 * object reaches a running primitive.
 */
export interface Rule<T> {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
  /** Never set; carries the type. */
  readonly type?: T;
}

type Values<S extends Record<string, Rule<unknown>>> = {
  readonly [K in keyof S]: S[K] extends Rule<infer T> ? T | undefined : never;
};

/** @internal The one error for bad input: names what, what is allowed and what came. */
export function invalid(name: string, expected: string, value: unknown): HoldfastError {
  return new HoldfastError('INVALID_OPTION', `${name} must be ${expected}, got ${describe(value)}`);
}

/**
 * @internal The value, if the rule accepts it.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function check<T>(name: string, value: unknown, rule: Rule<T>): T {
  if (!rule.accepts(value)) throw invalid(name, rule.expected, value);
  return value as T;
}

/**
 * @internal Every option of `shape`, checked; an absent or undefined one stays undefined.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION` for a refused value, for a name that `owner` does not know, and for
 * options that are not an object. Names in `ignored` are let pass.
 */
export function readOptions<S extends Record<string, Rule<unknown>>>(
  owner: string,
  options: unknown,
  shape: S,
  ignored: readonly string[] = [],
): Values<S> {
  // Without a prototype, for an absent option must be undefined whatever Object.prototype holds.
  const values = Object.create(null) as Record<string, unknown>;
  if (options === undefined) return values as Values<S>;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalid(`${owner} options`, 'an object', options);
  }
  for (const name of Object.keys(options)) {
    const value = (options as Record<string, unknown>)[name];
    if (ignored.includes(name)) continue;
    if (!Object.hasOwn(shape, name)) throw unknownOption(owner, name, Object.keys(shape));
    if (value !== undefined) values[name] = check(name, value, (shape as Record<string, Rule<unknown>>)[name]!);
  }
  return values as Values<S>;
}

function unknownOption(owner: string, name: string, known: readonly string[]): HoldfastError {
  return new HoldfastError('INVALID_OPTION', `${owner} has no option ${describe(name)}; it has ${known.join(', ')}`);
}

/** @internal A finite number within bounds, both inclusive. */
export function number(
  bounds: { readonly min?: number; readonly max?: number; readonly integer?: boolean } = {},
): Rule<number> {
  const { min = -Infinity, max = Infinity, integer = false } = bounds;
  const kind = integer ? 'an integer' : 'a finite number';
  return {
    expected: kind + range(min, max),
    accepts: (value) =>
      typeof value === 'number' &&
      (integer ? Number.isInteger(value) : Number.isFinite(value)) &&
      value >= min &&
      value <= max,
  };
}

function range(min: number, max: number): string {
  if (min !== -Infinity && max !== Infinity) return ` from ${String(min)} to ${String(max)}`;
  if (min !== -Infinity) return ` >= ${String(min)}`;
  return max === Infinity ? '' : ` <= ${String(max)}`;
}

/** @internal True or false, and nothing that merely looks like it: a promise of false is not false. */
export const boolean: Rule<boolean> = { expected: 'a boolean', accepts: (value) => typeof value === 'boolean' };

/** @internal One of a few words. */
export function oneOf<const T extends string>(...words: readonly T[]): Rule<T> {
  return {
    expected: list(words.map((word) => JSON.stringify(word))),
    accepts: (value) => (words as readonly unknown[]).includes(value),
  };
}

/** @internal Whatever one of the rules accepts. */
export function either<const R extends readonly Rule<unknown>[]>(
  ...rules: R
): Rule<R[number] extends Rule<infer T> ? T : never> {
  return {
    expected: list(rules.map((rule) => rule.expected)),
    accepts: (value) => rules.some((rule) => rule.accepts(value)),
  };
}

/** @internal A function of type `T`; its parameters cannot be checked. */
export function func<T extends (...args: never[]) => unknown>(): Rule<T> {
  return { expected: 'a function', accepts: (value) => typeof value === 'function' };
}

/** @internal An object that has these methods: how a capability or a client is recognised without asking for its class. */
export function having<T extends object>(expected: string, ...methods: readonly (keyof T & string)[]): Rule<T> {
  return {
    expected,
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function'),
  };
}

/** @internal An object, as type `T`: for one whose parts the reader checks itself. */
export function object<T extends object>(): Rule<T> {
  return { expected: 'an object', accepts: (value) => typeof value === 'object' && value !== null };
}

/** @internal Anything, as type `T`: for values that the reader checks itself. */
export function anything<T>(): Rule<T> {
  return { expected: 'anything', accepts: () => true };
}

function list(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} or ${String(parts.at(-1))}`;
}

const longestQuote = 60;
const longestText = 90;
const lineBreaks = /[\p{Cc}\p{Zl}\p{Zp}]/gu;

/** @internal A received value for an error message: short, on one line, never a payload. Never throws. */
export function describe(value: unknown): string {
  try {
    const text = textOf(value).replace(lineBreaks, ' ');
    return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
  } catch {
    // A proxy or a getter that throws: what came is told at the door, not what it threw.
    return `${typeof value === 'function' ? 'a function' : 'an object'} that cannot be read`;
  }
}

function textOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > longestQuote ? `${value.slice(0, longestQuote)}…` : value);
    case 'bigint':
      return `${String(value)}n`;
    case 'function':
      return value.name === '' ? 'a function' : `function ${value.name}`;
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `an array of ${String(value.length)}`;
      return constructorName(value);
    default:
      return Object.is(value, -0) ? '-0' : String(value);
  }
}

function constructorName(value: object): string {
  const maker: unknown = (value as { readonly constructor?: unknown }).constructor;
  return typeof maker === 'function' && maker !== Object && maker.name !== '' ? `a ${maker.name}` : 'an object';
}
