/*
 * The program in the threads and processes of a pool. It is text, so that it runs wherever the library is: from its sources,
 * from its builds, within a bundle of the user's.
 *
 * One job at a time. An error that nobody catches is told with the job that it belongs to, which the async context knows: one
 * that an earlier job has left behind must not cost the job that runs. The worker goes on until the pool ends it.
 */

const shared = `
const { AsyncLocalStorage } = require('node:async_hooks');
const { getHeapStatistics } = require('node:v8');
const control = Symbol.for('holdfast.queue.control');
const ours = Symbol.for('holdfast.error');
const transferable = Symbol.for('Piscina.transferable');
const moved = Symbol.for('Piscina.valueOf');
const longestChain = 8;

const owner = new AsyncLocalStorage();
let say;
let handler;
let maxHeapBytes = Infinity;
let running;
let calls = 0;
/** An abort that has overtaken its job: they come by different ways. */
let early;

function attempt(read) {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function text(read) {
  const value = attempt(read);
  return typeof value === 'string' ? value : undefined;
}

/** Never throws, whatever was thrown. */
function record(error, depth = 0) {
  if (attempt(() => error instanceof Error) !== true) {
    if (attempt(() => (structuredClone(error), true)) === true) return { thrown: error };
    return { name: 'Error', message: 'the handler has thrown something that cannot be sent: ' + (text(() => String(error)) ?? typeof error) };
  }
  const code = attempt(() => error.code);
  const errors = depth < longestChain ? attempt(() => error.errors) : undefined;
  return {
    name: text(() => error.name) ?? 'Error',
    message: text(() => error.message) ?? '',
    stack: text(() => error.stack),
    code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
    ours: attempt(() => error[ours]) === true,
    control: attempt(() => structuredClone(error[control])),
    cause: depth < longestChain && attempt(() => 'cause' in error) ? record(attempt(() => error.cause), depth + 1) : undefined,
    errors: Array.isArray(errors) ? errors.slice(0, 100).map((one) => record(one, depth + 1)) : undefined,
  };
}

function revive(told) {
  if ('thrown' in told) return told.thrown;
  const error = new Error(told.message);
  error.name = told.name;
  if (told.code !== undefined) error.code = told.code;
  if (told.ours) Object.defineProperty(error, ours, { value: true });
  return error;
}

async function load(message) {
  maxHeapBytes = message.maxHeapBytes;
  try {
    const module = await import(message.url);
    // What was an ES module before it was compiled to CommonJS has its default under the default.
    handler = typeof module.default === 'function' ? module.default : module.default?.default;
    if (typeof handler !== 'function') throw new TypeError(message.url + ' must export a function as its default');
    say({ type: 'ready' });
  } catch (error) {
    say({ type: 'unready', error: record(error) });
  }
}

async function run(job) {
  const { seq } = job;
  const controller = new AbortController();
  const mine = { seq, controller, waiting: new Map() };
  const context = {
    id: job.id,
    attempt: job.attempt,
    crashes: job.crashes,
    fence: job.fence,
    signal: controller.signal,
    progress(value) {
      if (running === mine) say({ type: 'progress', seq, value });
    },
    extend(ms) {
      if (running !== mine) return Promise.reject(new Error('the job is over'));
      return new Promise((resolve, reject) => {
        const call = ++calls;
        mine.waiting.set(call, { resolve, reject });
        say({ type: 'extend', seq, call, ms });
      });
    },
  };
  running = mine;
  if (early?.seq === seq) controller.abort(revive(early.reason));
  let value;
  try {
    value = await owner.run(mine, () => handler(job.data, context));
  } catch (error) {
    fail(seq, error);
    return;
  }
  running = undefined;
  try {
    const isMoved = typeof value === 'object' && value !== null && transferable in value;
    if (isMoved) say({ type: 'done', seq, value: value[moved], spent: spent() }, [value[transferable]].flat());
    else say({ type: 'done', seq, value, spent: spent() });
  } catch (error) {
    fail(seq, error);
  }
}

function fail(seq, error) {
  running = undefined;
  try {
    say({ type: 'failed', seq, error: record(error), spent: spent() });
  } catch {
    say({ type: 'failed', seq, error: record(new Error('the handler has thrown something that cannot be sent')), spent: spent() });
  }
}

function spent() {
  return maxHeapBytes !== Infinity && getHeapStatistics().used_heap_size > maxHeapBytes;
}

function receive(message) {
  switch (message.type) {
    case 'load':
      return load(message);
    case 'job':
      return run(message);
    case 'abort':
      if (running?.seq === message.seq) running.controller.abort(revive(message.reason));
      else early = message;
      return;
    case 'extended': {
      const call = running?.seq === message.seq ? running.waiting.get(message.call) : undefined;
      if (call === undefined) return;
      running.waiting.delete(message.call);
      if (message.error === undefined) call.resolve();
      else call.reject(revive(message.error));
    }
  }
}

process.on('uncaughtException', (error) => {
  const thrower = owner.getStore();
  // Of nobody known: as without a pool, who runs is who pays.
  const seq = running !== undefined && (thrower === undefined || thrower === running) ? running.seq : undefined;
  say?.({ type: 'broken', seq, error: record(error) });
});
`;

/** @internal For a process that was forked with `-e`. */
export const processProgram = `${shared}
say = (message) => {
  process.send(message, () => {});
};
process.on('message', receive);
process.once('disconnect', () => process.exit());
// A terminal and a supervisor signal the whole group; when to stop is the parent's to say.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
`;

/** @internal Under which name, in `node:process`, piscina finds what runs its tasks once `threadProgram` has run. */
export const threadTask = 'holdfastTask';

const threadModule = `${shared}
Object.defineProperty(process, '${threadTask}', {
  value: ({ message, port }) => {
    if (port !== undefined) {
      say = (said, moves) => port.postMessage(said, moves);
      port.on('message', receive).unref();
    }
    return receive(message);
  },
});
`;

/** @internal For a thread, as a script without `require`: it makes a module of its text, which has that and `import()`. */
export const threadProgram = `{
  const load = process.getBuiltinModule ?? ((id) => process.mainModule.require(id));
  const Module = load('node:module');
  new Module('/holdfast-worker.cjs')._compile(${JSON.stringify(threadModule)}, '/holdfast-worker.cjs');
  undefined;
}`;
