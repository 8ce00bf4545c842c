import assert from 'node:assert/strict';
import { type Case, contestant, type MakeSuite, type Target } from '../vocabulary.ts';

const about = `Leaves that answer at once: what is measured is the bookkeeping alone, so the time that a primitive adds to
calls over a network. One operation at a time.

- \`scatterGather\` has a deadline, as one always should, and reports what became of each target.
- By hand, (a) is \`Promise.allSettled\` raced with one timer that is cleared, (b) the same with an \`AbortController\` for
  each leaf, whose signal the leaf gets, aborted at the deadline, (c) the same, but the leaf gets the controller itself:
  a signal that nobody looks at is then never made. None reports attempts, times or coverage.
- A hedge by hand is a timer that starts the call again, with a controller for each attempt; the first to settle wins.
- The balancer by hand counts what is in flight and takes the first of the least. It cannot be called off and its
  members cannot change.`;

const deadlineMs = 1_000;
const hedgeMs = 500;

type Leaf = (target: number, attempt: { readonly signal: AbortSignal }) => Promise<number>;

/** A leaf that does not look at its signal. */
const ignoring: Leaf = async (target) => target;
/** A leaf that hands its signal on, as every leaf that calls over a network does. */
const looking: Leaf = async (target, { signal }) => (signal.aborted ? -1 : target);

const never = new AbortController().signal;

/** Promises against a timer; the timer is cleared. */
async function within<T>(work: Promise<T>, ms: number, onLate?: () => void): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      onLate?.();
      reject(new Error('late'));
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const valuesOf = <T>(settled: readonly PromiseSettledResult<T>[]): T[] =>
  settled.filter((result) => result.status === 'fulfilled').map(({ value }) => value);

/** (a) All leaves under one timer; they cannot be called off, but the one signal that never aborts looks like it. */
async function settledByHand(targets: readonly number[], leaf: Leaf): Promise<number[]> {
  const attempt = { signal: never };
  return valuesOf(await within(Promise.allSettled(targets.map((target) => leaf(target, attempt))), deadlineMs));
}

const eager = ({ signal }: AbortController): { readonly signal: AbortSignal } => ({ signal });
const lazy = (controller: AbortController): { readonly signal: AbortSignal } => controller;

/** (b) and (c): a controller for each leaf, aborted at the deadline. */
async function controlledByHand(
  targets: readonly number[],
  leaf: Leaf,
  attemptOf: (controller: AbortController) => { readonly signal: AbortSignal },
): Promise<number[]> {
  const controllers = targets.map(() => new AbortController());
  const work = Promise.allSettled(targets.map((target, i) => leaf(target, attemptOf(controllers[i]!))));
  return valuesOf(
    await within(work, deadlineMs, () => {
      for (const controller of controllers) controller.abort();
    }),
  );
}

/** A second attempt after a while; the first to settle wins and the other is called off. */
function hedgedByHand(leaf: Leaf): Leaf {
  return (target) =>
    new Promise((resolve, reject) => {
      const controllers: AbortController[] = [];
      const start = (): void => {
        const own = new AbortController();
        controllers.push(own);
        const end = (): void => {
          clearTimeout(timer);
          for (const controller of controllers) if (controller !== own) controller.abort();
        };
        leaf(target, own).then(
          (value) => {
            end();
            resolve(value);
          },
          (error: unknown) => {
            end();
            reject(error);
          },
        );
      };
      const timer = setTimeout(start, hedgeMs);
      start();
    });
}

/** Least requests in flight, the first of equals; no deadline, no abort, no change of members. */
class LeastPendingByHand {
  readonly #members: readonly { readonly id: number; pending: number }[];

  constructor(size: number) {
    this.#members = Array.from({ length: size }, (_, id) => ({ id, pending: 0 }));
  }

  async run<T>(work: (id: number) => Promise<T>): Promise<T> {
    let best = this.#members[0]!;
    for (const member of this.#members) if (member.pending < best.pending) best = member;
    best.pending++;
    try {
      return await work(best.id);
    } finally {
      best.pending--;
    }
  }
}

/** Fan-out, and the calls below it. */
export const suite: MakeSuite = ({ balancing: { LoadBalancer }, calls: { hedge }, scatter: { scatterGather } }) => {
  const fanOut = (size: number, title: string, leaf: Leaf, target: Target = {}): Case => {
    const targets = Array.from({ length: size }, (_, i) => i);
    return {
      name: `${String(size)} leaves ${title}`,
      contestants: [
        contestant('holdfast scatterGather', () => scatterGather(targets, leaf, { deadline: deadlineMs }), {
          answer: ({ values }) => values,
          target,
        }),
        contestant('by hand (a) allSettled + timer', () => settledByHand(targets, leaf)),
        contestant('by hand (b) + signal a leaf', () => controlledByHand(targets, leaf, eager)),
        contestant('by hand (c) + controller a leaf', () => controlledByHand(targets, leaf, lazy)),
      ],
      verify: async () => {
        const { coverage, complete } = await scatterGather(targets, leaf, { deadline: deadlineMs });
        assert.deepEqual({ coverage, complete }, { coverage: 1, complete: true });
      },
    };
  };

  const hedgedFanOut = (size: number): Case => {
    const targets = Array.from({ length: size }, (_, i) => i);
    const options = { deadline: deadlineMs, hedge: { after: hedgeMs } };
    const hedged = hedgedByHand(looking);
    return {
      name: `${String(size)} leaves with a hedge that never fires`,
      contestants: [
        contestant('holdfast scatterGather', () => scatterGather(targets, looking, options), {
          answer: ({ values }) => values,
        }),
        contestant('by hand (a) + hedge a leaf', () => settledByHand(targets, hedged)),
      ],
    };
  };

  const attempt = { signal: never };

  const hedgedCall = (): Case => {
    const ours = hedge((target: number, attempt) => looking(target, attempt), { after: hedgeMs });
    const theirs = hedgedByHand(looking);
    return {
      name: 'one call with a hedge that never fires',
      contestants: [
        contestant('holdfast hedge', (i) => ours(i & 1)),
        contestant('by hand', (i) => theirs(i & 1, attempt)),
        contestant('the call alone', (i) => looking(i & 1, attempt)),
      ],
      inputs: 2,
    };
  };

  const hedgedUnlooked = (): Case => {
    const ours = hedge((target: number) => Promise.resolve(target), { after: hedgeMs });
    return {
      name: 'the same, signal not looked at',
      contestants: [contestant('holdfast hedge', (i) => ours(i & 1), { target: { ns: 5_000 } })],
      inputs: 2,
    };
  };

  const balanced = (size: number): readonly Case[] => {
    const balancer = new LoadBalancer(Array.from({ length: size }, (_, i) => `member-${String(i)}`));
    const byHand = new LeastPendingByHand(size);
    const work = (): Promise<number> => looking(1, attempt);
    return [
      {
        name: `one call balanced over ${String(size)}`,
        contestants: [
          contestant('holdfast LoadBalancer.run', () => balancer.run((_, given) => looking(1, given))),
          contestant('by hand, least pending', () => byHand.run(work)),
        ],
      },
      {
        name: `the same, with a deadline`,
        contestants: [
          contestant('holdfast LoadBalancer.run', () =>
            balancer.run((_, given) => looking(1, given), { deadline: deadlineMs }),
          ),
          contestant('by hand, least pending + timer', () => within(byHand.run(work), deadlineMs)),
        ],
      },
      {
        name: `the same, signal not looked at`,
        contestants: [
          contestant('holdfast LoadBalancer.run', () => balancer.run(work)),
          contestant('by hand, least pending', () => byHand.run(work)),
        ],
      },
    ];
  };

  return {
    title: 'Fan-out, hedging and balancing of calls that answer at once',
    about,
    peers: [],
    cases: [
      fanOut(10, 'that ignore their signal', ignoring),
      fanOut(100, 'that ignore their signal', ignoring, { ns: 1e6 }),
      fanOut(10, 'that look at their signal', looking),
      fanOut(100, 'that look at their signal', looking, { ns: 1e6 }),
      hedgedFanOut(100),
      hedgedCall(),
      hedgedUnlooked(),
      ...balanced(8),
      ...balanced(100),
    ],
  };
};
