import assert from 'node:assert/strict';
import { getEventListeners, setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from '../../src/core/clock.ts';
import { Scope } from '../../src/core/scope.ts';
import { onAbort } from '../../src/core/signals.ts';
import { settledMemory, sink } from '../harness.ts';
import { type Case, contestant, type Figure, type Holding, type MakeSuite } from '../vocabulary.ts';

const about = `One linked call makes a signal that aborts when a long-lived parent aborts, looks at it, and takes it off the
parent again. The parent never aborts: it is the shutdown of a service, below which calls come and go. 100 calls a turn
of the event loop, a new parent for each sample.

- \`holdfast Scope\` is how every primitive of the library links a call; \`onAbort\` is the link alone, with a controller
  made by hand. Neither is exported: bundled from \`src\`.
- \`AbortSignal.any\` cannot be taken off; it lets go by garbage collection.
- The listener by hand is \`addEventListener\` and \`removeEventListener\` for each call, its warning for too many
  listeners switched off.
- A controller that is linked to nothing is the floor: what Node takes for the signal itself.`;

const turn = 100;

/** A way of linking. */
interface Way {
  readonly name: string;
  /** A signal below the parent, and what has to be kept as long as the call lives. */
  readonly link: (parent: AbortSignal) => { readonly signal: AbortSignal; readonly kept: unknown };
  /** One linked call from beginning to end. */
  readonly call: (parent: AbortSignal) => AbortSignal;
  /** Whether the signal of a call that is over has nothing to do with the parent any more. */
  readonly takesOff: boolean;
}

const byScope: Way = {
  name: 'holdfast Scope',
  takesOff: true,
  link(parent) {
    const scope = new Scope('a call', { signal: parent }, systemClock);
    return { signal: scope.signal, kept: scope };
  },
  call(parent) {
    const scope = new Scope('a call', { signal: parent }, systemClock);
    const { signal } = scope;
    scope.close();
    return signal;
  },
};

const byOnAbort: Way = {
  name: 'holdfast onAbort + AbortController',
  takesOff: true,
  link(parent) {
    const controller = new AbortController();
    const unlink = onAbort(parent, (reason) => {
      controller.abort(reason);
    });
    return { signal: controller.signal, kept: unlink };
  },
  call(parent) {
    const controller = new AbortController();
    const unlink = onAbort(parent, (reason) => {
      controller.abort(reason);
    });
    const { signal } = controller;
    unlink();
    return signal;
  },
};

const byAny: Way = {
  name: 'AbortSignal.any',
  takesOff: false,
  link(parent) {
    const signal = AbortSignal.any([parent]);
    return { signal, kept: signal };
  },
  call: (parent) => AbortSignal.any([parent]),
};

const byListener: Way = {
  name: 'listener by hand',
  takesOff: true,
  link(parent) {
    const controller = new AbortController();
    const listener = (): void => {
      controller.abort(parent.reason);
    };
    parent.addEventListener('abort', listener, { once: true });
    return { signal: controller.signal, kept: listener };
  },
  call(parent) {
    const controller = new AbortController();
    const listener = (): void => {
      controller.abort(parent.reason);
    };
    parent.addEventListener('abort', listener, { once: true });
    const { signal } = controller;
    parent.removeEventListener('abort', listener);
    return signal;
  },
};

const ways = [byScope, byAny, byListener, byOnAbort];

function newParent(): AbortController {
  const parent = new AbortController();
  setMaxListeners(0, parent.signal);
  return parent;
}

/** A linked signal aborts with its parent and with its reason; one that was taken off does not. */
function verify(): void {
  for (const { name, link, call, takesOff } of ways) {
    const parent = newParent();
    const { signal } = link(parent.signal);
    const over = call(parent.signal);
    assert.equal(signal.aborted, false, name);
    const reason = new Error('shutdown');
    parent.abort(reason);
    assert.equal(signal.aborted, true, name);
    assert.equal(signal.reason, reason, name);
    if (takesOff) assert.equal(over.aborted, false, name);
  }
}

function linkedCall(siblings: number): Case {
  return {
    name: siblings === 0 ? 'alone' : `beside ${siblings.toLocaleString('en-US')} living`,
    turn,
    verify,
    contestants: [
      ...ways.map((way) => {
        let parent = newParent();
        let living: unknown[] = [];
        return contestant(way.name, () => way.call(parent.signal), {
          answer: ({ aborted }) => aborted,
          ...(way === byScope && { target: { ns: 3_000 } }),
          before: () => {
            parent = newParent();
            living = Array.from({ length: siblings }, () => way.link(parent.signal));
          },
          after: () => {
            sink.last = living;
            living = [];
          },
        });
      }),
      contestant('controller alone, not linked', () => new AbortController().signal, {
        answer: ({ aborted }) => aborted,
      }),
    ],
  };
}

/** Most of a linked call is the signal itself, which a call that never looks at it need not make. */
function unseenSignal(): Case {
  const { signal: parent } = newParent();
  const limits = { signal: parent };
  return {
    name: 'alone, signal not looked at',
    turn,
    contestants: [
      contestant(
        byScope.name,
        () => {
          const scope = new Scope('a call', limits, systemClock);
          scope.close();
          return scope;
        },
        { answer: ({ signal }) => signal.aborted },
      ),
      contestant(
        byListener.name,
        () => {
          const controller = new AbortController();
          const listener = (): void => {
            controller.abort(parent.reason);
          };
          parent.addEventListener('abort', listener, { once: true });
          parent.removeEventListener('abort', listener);
          return controller;
        },
        { answer: ({ signal }) => signal.aborted },
      ),
    ],
  };
}

function living(): Holding {
  return {
    name: 'a call under way',
    holders: ways.map(({ name, link }) => {
      let parent = newParent();
      return {
        name,
        make: () => link(parent.signal).kept,
        before: () => {
          parent = newParent();
        },
      };
    }),
  };
}

const limitBytes = 5e6;

/** How the memory grows with calls that are over, on one parent that never aborts. */
async function growth({ name, call }: Way, scale: number): Promise<readonly Figure[]> {
  const parent = newParent();
  const calls = Math.ceil(1_000_000 * scale);
  const run = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += turn) {
      for (let i = 0; i < turn; i++) sink.last = call(parent.signal);
      await nextTurn();
    }
  };
  await run(calls / 10);
  const before = await settledMemory();
  await run(calls);
  const bytes = Math.max(0, (await settledMemory()) - before) / scale;
  const listeners = getEventListeners(parent.signal, 'abort').length;
  const scaled = scale === 1 ? '' : `, scaled up from ${calls.toLocaleString('en-US')} calls`;
  const isOurs = name.startsWith('holdfast');
  return [
    {
      name: 'growth over 1,000,000 calls',
      contestant: name,
      value: `${(bytes / 1e6).toFixed(2)} MB${scaled}`,
      ...(isOurs && { target: '< 5 MB', met: bytes < limitBytes }),
    },
    {
      name: 'listeners left on the parent',
      contestant: name,
      value: String(listeners),
      ...(isOurs && { target: '≤ 1', met: listeners <= 1 }),
    },
  ];
}

/** Calls below a long-lived signal. */
export const suite: MakeSuite = () => ({
  title: 'Linking a call to a long-lived signal',
  about,
  peers: [],
  cases: [linkedCall(0), linkedCall(1), linkedCall(1_000), unseenSignal()],
  holdings: [living()],
  findings: async (scale) => {
    const figures: Figure[] = [];
    for (const way of ways) figures.push(...(await growth(way, scale)));
    return { figures: figures.sort((a, b) => a.name.localeCompare(b.name)) };
  },
});
