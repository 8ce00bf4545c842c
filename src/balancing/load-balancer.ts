import { attemptIn } from '../calls/attempt.ts';
import { type Attempt, type CallLimits, checkCallOptions } from '../calls/call.ts';
import { deadlineFrom } from '../core/deadline.ts';
import { HoldfastError } from '../core/errors.ts';
import { Emitter } from '../core/events.ts';
import { currentOf, type Dyn } from '../core/live.ts';
import { check, func, readOptions, type Rule } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { refusal, runScoped } from '../core/scope.ts';
import { leastRequest } from './least-request.ts';
import { defaultId, type Slot, slotsOf } from './slots.ts';

/** Options of {@link LoadBalancer}. */
export interface LoadBalancerOptions<M> {
  /**
   * The identity of a member: what is known of it survives an update that has the same id.
   *
   * @defaultValue the member itself when it is a string, its `id` when it has one that is a string
   */
  readonly id?: ((member: M) => string) | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** Options of {@link LoadBalancer.run}. An {@link Attempt} of an outer call fits. */
export interface RunOptions extends CallLimits {
  /** Members to use only when there is no other; compared by identity, as the balancer has them now. */
  readonly avoid?: ReadonlySet<unknown> | undefined;
  /** Is told the member that was chosen. */
  readonly visit?: ((member: unknown) => void) | undefined;
}

/** A member that was picked; it counts as busy until the lease is released. */
export interface BalancerLease<M> extends Disposable {
  /** The member. */
  readonly member: M;
  /** The request is over. Idempotent. */
  release(): void;
}

/** A snapshot of a {@link LoadBalancer}. */
export interface BalancerStats {
  /** The members, in the order in which they were given. */
  readonly members: readonly {
    /** Its identity. */
    readonly id: string;
    /** Requests in flight. */
    readonly pending: number;
  }[];
}

/** Events of {@link LoadBalancer}. */
export interface BalancerEvents {
  /** The membership has changed. */
  update: {
    /** Ids that are new. */
    readonly added: readonly string[];
    /** Ids that are gone. Their requests in flight go on. */
    readonly removed: readonly string[];
  };
}

const none: ReadonlySet<unknown> = new Set();
const unseen = (): void => undefined;

const visitRule = func<(member: unknown) => void>();
const avoidRule: Rule<ReadonlySet<unknown>> = {
  expected: 'a Set',
  accepts: (value) =>
    typeof (value as Partial<ReadonlySet<unknown>> | null)?.has === 'function' &&
    typeof (value as Partial<ReadonlySet<unknown>>).size === 'number',
};

function checkRunOptions(options: RunOptions): void {
  checkCallOptions(options);
  if (options.avoid !== undefined) check('avoid', options.avoid, avoidRule);
  if (options.visit !== undefined) check('visit', options.visit, visitRule);
}

/**
 * A balancer over clients of any kind: URLs, pools, stubs, functions. It decides who, the caller's function does the work.
 *
 * Promises: a request goes to a member with the fewest requests in flight of this balancer, equals being equally likely;
 * `avoid` is honoured whenever there is another member; what is in flight is counted until the work itself has settled,
 * also after the caller has gone, so a member that hangs is not given more; membership may change at any time and neither
 * drops nor miscounts a request in flight. `run` settles at the deadline or the abort even if the work ignores both.
 *
 * Does not promise to retry, nor to notice that a member is slow or failing but quick to answer. Does not open sockets.
 *
 * Complexity: O(members) for each request; memory O(members), those that are gone but busy included.
 *
 * Source: least request as in Finagle's `heap` and Envoy's `LEAST_REQUEST`, over all members instead of two choices: with
 * the few replicas of a Node service, two choices out of four meet two slow ones in one request of six.
 *
 * @example
 * ```ts
 * import { LoadBalancer } from 'holdfast/balancing';
 *
 * const replicas = new LoadBalancer(['http://10.0.0.1', 'http://10.0.0.2']);
 * const answer = await replicas.run((url) => `asked ${url}`, { deadline: 500 });
 * answer.startsWith('asked http://10.0.0.') // => true
 * replicas.stats().members.length // => 2
 * ```
 */
export class LoadBalancer<M> extends Emitter<BalancerEvents> implements AsyncDisposable {
  readonly #idOf: (member: M) => string;
  readonly #runtime: Runtime;
  #members: Dyn<readonly M[]>;
  #seen: readonly M[] | undefined;
  #slots: ReadonlyMap<string, Slot<M>> = new Map();
  /** Who was busy at an update, until he is not: a member that goes and returns, as after a resolver's blip, still is. */
  readonly #busy = new Map<string, Slot<M>>();
  #closed = false;

  /**
   * @param members - the members, or a live list of them
   * @param options - identity, time and chance
   * @throws {@link HoldfastError} `INVALID_OPTION`; also for two members of one id
   */
  constructor(members: Dyn<readonly M[]>, options?: LoadBalancerOptions<M>) {
    super();
    const { id = defaultId, runtime = systemRuntime } = readOptions('LoadBalancer', options, {
      id: func<(member: M) => string>(),
      runtime: runtimeRule,
    });
    this.#idOf = id;
    this.#runtime = runtime;
    this.#members = members;
    this.#adopt(currentOf(members));
  }

  /**
   * Runs `work` on the member with the least requests in flight and settles as it does.
   *
   * @param work - gets the member and an attempt to hand on; a synchronous throw counts as a rejection
   * @param options - signal, deadline, whom to avoid; an outer {@link Attempt} fits as it is
   * @returns what `work` returned
   * @throws {@link HoldfastError} as a rejection: `NO_MEMBERS`, `CLOSED`, `DEADLINE_EXCEEDED`, `INVALID_OPTION`; else the
   * caller's abort reason or the work's own error. In the first four cases, and when aborted before, `work` is not called.
   */
  async run<T>(work: (member: M, attempt: Attempt) => T | PromiseLike<T>, options: RunOptions = {}): Promise<T> {
    check('work', work, func());
    const { clock } = this.#runtime;
    checkRunOptions(options);
    const limits = { signal: options.signal, deadline: deadlineFrom(options.deadline, clock) };
    const refused = refusal('a balanced call', limits);
    if (refused !== undefined) throw refused.reason;
    const avoid = options.avoid ?? none;
    const slot = this.#choose(avoid);
    const visit = options.visit?.bind(options);
    slot.pending++;
    return await runScoped(
      'a balanced call',
      limits,
      clock,
      (scope) => {
        visit?.(slot.member);
        if (limits.signal?.aborted === true) throw limits.signal.reason;
        const about = { deadline: limits.deadline, attempt: 1, cause: 'original', avoid } as const;
        return work(slot.member, attemptIn(scope, about, visit ?? unseen));
      },
      () => {
        this.#release(slot);
      },
    );
  }

  /**
   * Takes the member that `run` would take, for work that is not one function. Release the lease.
   *
   * @param options - whom to avoid
   * @throws {@link HoldfastError} `NO_MEMBERS`, `CLOSED`, `INVALID_OPTION`
   */
  pick(options: Pick<RunOptions, 'avoid'> = {}): BalancerLease<M> {
    checkRunOptions(options);
    const slot = this.#choose(options.avoid ?? none);
    slot.pending++;
    let held = true;
    const release = (): void => {
      if (held) this.#release(slot);
      held = false;
    };
    return { member: slot.member, release, [Symbol.dispose]: release };
  }

  /**
   * Takes another membership. Members are told apart by id; what is known of those that stay is kept.
   *
   * @param members - the members, or a live list of them
   * @throws {@link HoldfastError} `INVALID_OPTION`, and then the old membership stays
   */
  update(members: Dyn<readonly M[]>): void {
    this.#adopt(currentOf(members), members);
  }

  /** What is known of the members now. */
  stats(): BalancerStats {
    return { members: [...this.#current().values()].map(({ id, pending }) => ({ id, pending })) };
  }

  /** No further request is taken; those in flight go on. Idempotent. */
  close(): void {
    this.#closed = true;
  }

  /** {@link LoadBalancer.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #choose(avoid: ReadonlySet<unknown>): Slot<M> {
    if (this.#closed) throw new HoldfastError('CLOSED', 'the load balancer is closed');
    const slot = leastRequest([...this.#current().values()], avoid, this.#runtime.random);
    if (slot === undefined) throw new HoldfastError('NO_MEMBERS', 'the load balancer has no members');
    return slot;
  }

  #release(slot: Slot<M>): void {
    slot.pending--;
    if (slot.pending === 0) this.#busy.delete(slot.id);
  }

  /**
   * The slots of the membership as it is now; a live list is looked at here and not followed in the background. One that
   * has turned bad is reported, once, and the members stay as they were.
   */
  #current(): ReadonlyMap<string, Slot<M>> {
    const members = currentOf(this.#members);
    if (members === this.#seen) return this.#slots;
    try {
      this.#adopt(members);
    } catch (error) {
      this.#seen = members;
      reportError('a live membership was refused, the members stay as they were', error);
    }
    return this.#slots;
  }

  /** Takes a list and where it is from; the listeners are told last, for they may look at the balancer or update it. */
  #adopt(members: readonly M[], source: Dyn<readonly M[]> = this.#members): void {
    const before = this.#slots;
    this.#slots = slotsOf(members, (id) => before.get(id) ?? this.#busy.get(id), this.#idOf);
    this.#members = source;
    this.#seen = members;
    for (const slot of before.values()) if (slot.pending > 0) this.#busy.set(slot.id, slot);
    this.#tell(before);
  }

  #tell(before: ReadonlyMap<string, Slot<M>>): void {
    const added = [...this.#slots.keys()].filter((id) => !before.has(id));
    const removed = [...before.keys()].filter((id) => !this.#slots.has(id));
    if (added.length + removed.length > 0) this.emit('update', { added, removed });
  }
}
