import { type Call, type CallOptions, checkCallOptions } from '../calls/call.ts';
import { isBytes } from '../core/bytes.ts';
import { type Deadline, deadlineFrom } from '../core/deadline.ts';
import { branded } from '../core/errors.ts';
import { check, func, having, oneOf, readOptions } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { refusal, runScoped, type Scope } from '../core/scope.ts';
import type { Key, Lease, PlacementNode } from '../hashing/index.ts';
import type { ShardRouter } from './shard-router.ts';

/** Options of {@link shard}. */
export interface ShardOptions<N extends PlacementNode, Req, Res> {
  /** The key that a request belongs to. */
  readonly key: (request: Req) => Key;
  /** How to call a node. Gets the deadline and a signal in its options. */
  readonly call: (node: N) => Call<Req, Res>;
  /**
   * When a call fails: `'fail'` fails with it; `'next'` tries the key's other replicas, in the key's order, until one
   * answers or the time is up. A key with one replica has no other.
   *
   * @defaultValue 'fail'
   */
  readonly onDown?: 'fail' | 'next';
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime;
}

const what = 'a sharded call';
/** Not by class: an ES module's router is one for CommonJS too. */
const routerRule = having<ShardRouter<PlacementNode>>('a ShardRouter', 'acquire', 'acquireNext');

/**
 * A {@link ShardRouter} as a `Call`: each request goes to a replica of its key, the less busy of two.
 *
 * Promises: settles as the call of the node does, at the deadline or at the caller's abort, whichever comes first; a call
 * counts as in flight until it has settled itself, also after its caller has gone; with `'next'` no replica is tried twice
 * for one request and none after the time is up. An outer `Attempt` may be given as options: its `avoid` is honoured when
 * there is another replica, `visit` is told each node, and both are handed on to the node's call. Does not promise to try nodes beyond the key's replicas, which
 * writes would not reach; set `base` to 2 to survive the loss of one node.
 *
 * @param router - where keys are
 * @param options - the key of a request and the call of a node
 * @returns a call; with `'next'` it rejects with the only error, or an `AggregateError` of several (`ATTEMPTS_FAILED`), in
 * the order of trying
 * @throws {@link HoldfastError} `INVALID_OPTION`; as a rejection `NO_NODES`, `DEADLINE_EXCEEDED`
 * @example
 * ```ts
 * import { Rendezvous } from 'holdfast/hashing';
 * import { shard, ShardRouter } from 'holdfast/sharding';
 *
 * const router = new ShardRouter(new Rendezvous(['a', 'b', 'c']), { replication: { targetRate: 100, base: 2 } });
 * const get = shard(router, {
 *   key: (path: string) => path,
 *   call: (node) => async (path) => {
 *     if (node.id === 'a') throw new Error('connection refused');
 *     return `${path} from ${node.id}`;
 *   },
 *   onDown: 'next',
 * });
 * const answers = await Promise.all(['/1', '/2', '/3', '/4'].map((path) => get(path, { deadline: 500 })));
 * answers.every((answer) => answer.includes(' from ')) // => true
 * ```
 */
export function shard<N extends PlacementNode, Req, Res>(
  router: ShardRouter<N>,
  options: ShardOptions<N, Req, Res>,
): Call<Req, Res> {
  check('router', router, routerRule);
  const values = readOptions('shard', options, {
    key: func<(request: Req) => Key>(),
    call: func<(node: N) => Call<Req, Res>>(),
    onDown: oneOf('fail', 'next'),
    runtime: runtimeRule,
  });
  const keyOf = check('key', values.key, func<(request: Req) => Key>());
  const callOf = check('call', values.call, func<(node: N) => Call<Req, Res>>());
  const { onDown = 'fail', runtime = systemRuntime } = values;

  return async (request, callOptions: CallOptions & Hints = {}) => {
    checkCallOptions(callOptions);
    const limits = { signal: callOptions.signal, deadline: deadlineFrom(callOptions.deadline, runtime.clock) };
    const refused = refusal(what, limits);
    if (refused !== undefined) throw refused.reason;
    const key = onDown === 'next' ? kept(keyOf(request)) : keyOf(request);
    const { avoid = none } = callOptions;
    const first = router.acquire(key, { avoid });
    const ask = (lease: Lease<N>, scope: Scope): Promise<Res> => {
      callOptions.visit?.(lease.node);
      return askNode(callOf(lease.node), request, scope, limits.deadline, hintsOf(callOptions));
    };
    return await runScoped(what, limits, runtime.clock, (scope) => {
      return askInTurn(
        first,
        (lease) => ask(lease, scope),
        (tried) => {
          return onDown === 'fail' || scope.signal.aborted ? undefined : router.acquireNext(key, tried, avoid);
        },
      );
    });
  };
}

const none: ReadonlySet<unknown> = new Set();

/** A key for later: bytes are the caller's, who may use them for the next request. */
function kept(key: Key): Key {
  return isBytes(key) ? new Uint8Array(key) : key;
}

/** What an outer `Attempt` brings along. */
interface Hints {
  readonly avoid?: ReadonlySet<unknown>;
  visit?(member: unknown): void;
}

/** Those that there are: a call that is no pattern of ours sees no more than it must. */
function hintsOf(options: Hints): Hints {
  return {
    ...(options.avoid && { avoid: options.avoid }),
    ...(options.visit && {
      visit: (member: unknown) => {
        options.visit?.(member);
      },
    }),
  };
}

async function askNode<Req, Res>(
  call: Call<Req, Res>,
  request: Req,
  scope: Scope,
  deadline: Deadline,
  hints: Hints,
): Promise<Res> {
  const options: CallOptions & Hints = {
    ...hints,
    get signal() {
      return scope.signal;
    },
    deadline,
  };
  return await call(request, options);
}

/** Asks one after the other until one answers or there is no next. A node is in flight until its own call has settled. */
async function askInTurn<N extends PlacementNode, Res>(
  first: Lease<N>,
  ask: (lease: Lease<N>) => Promise<Res>,
  next: (tried: ReadonlySet<string>) => Lease<N> | undefined,
): Promise<Res> {
  const tried = new Set<string>();
  const errors: unknown[] = [];
  for (let lease: Lease<N> | undefined = first; lease !== undefined; lease = next(tried)) {
    tried.add(lease.node.id);
    try {
      return await ask(lease);
    } catch (error) {
      errors.push(error);
    } finally {
      lease.release();
    }
  }
  if (errors.length === 1) throw errors[0];
  const message = `all ${errors.length} replicas that ${what} tried have failed`;
  throw branded(new AggregateError(errors, message, { cause: errors.at(-1) }), 'ATTEMPTS_FAILED');
}
