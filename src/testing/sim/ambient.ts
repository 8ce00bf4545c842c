import { HoldfastError } from '../../core/errors.ts';

type Listener = (error: Error) => void;

/** Those who run now; the platform is as it was when there are none. */
const listeners = new Set<Listener>();
let restore: (() => void)[] = [];

/** Time and chance of the platform, by owner. */
const members: Readonly<Record<string, readonly string[]>> = {
  globalThis: ['setTimeout', 'setInterval', 'setImmediate'],
  Date: ['now'],
  performance: ['now'],
  Math: ['random'],
  crypto: ['randomUUID', 'getRandomValues'],
  AbortSignal: ['timeout'],
};

/**
 * @internal Until it is called off, whoever takes time or chance from the platform gets an error, and `listener` hears of it.
 * `new Date(ms)` is no time of the platform; `new Date()` is.
 */
export function refuseAmbient(listener: Listener): () => void {
  if (listeners.size === 0) restore = replaceAll();
  listeners.add(listener);
  return () => {
    if (!listeners.delete(listener) || listeners.size > 0) return;
    for (const undo of restore.reverse()) undo();
  };
}

function replaceAll(): (() => void)[] {
  const platform = globalThis as unknown as Record<string, object | undefined>;
  const undos = Object.entries(members).flatMap(([owner, names]) => {
    const target = platform[owner];
    return target === undefined ? [] : names.map((name) => replace(target, name, () => refuse(`${owner}.${name}`)));
  });
  return [...undos, replaceDate(platform)];
}

function replaceDate(platform: Record<string, object | undefined>): () => void {
  const real = platform['Date'] as DateConstructor;
  const handler: ProxyHandler<DateConstructor> = {
    construct: (target, args, newTarget) =>
      args.length === 0 ? refuse('new Date()') : (Reflect.construct(target, args, newTarget) as object),
    apply: () => refuse('Date()'),
  };
  return replace(platform, 'Date', new Proxy(real, handler));
}

function replace(target: object, name: string, value: unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
  return () => {
    if (own === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, own);
  };
}

function refuse(what: string): never {
  const error = new HoldfastError(
    'SIMULATION_FAILED',
    `${what.replace('globalThis.', '')} was used while a simulation ran: time and chance come from env.runtime`,
  );
  for (const listener of listeners) listener(error);
  throw error;
}
