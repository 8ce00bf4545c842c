import { invalid } from '../../core/options.ts';
import { invoke } from '../../core/scope.ts';
import { onAbort } from '../../core/signals.ts';
import { fault } from '../errors.ts';
import { type CallFate, drawCall } from './call-faults.ts';
import { copyOf, errorOf, pack } from './copy.ts';
import type { Remote } from './env.ts';
import type { Machine, World } from './world.ts';

/** @internal Whether a process still runs: what its calls bring reaches nobody else. */
export interface Life {
  readonly alive: boolean;
}

/** @internal `to` as `caller`, a process of `from`, calls it. */
export function remoteOf<T extends object>(
  caller: Life,
  from: Machine,
  to: Machine,
  world: World,
  without: ReadonlySet<string>,
): Remote<T> {
  const call = (method: string, values: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (!caller.alive) return;
      const { args, signals, unpack } = pack(values);
      const aborted = signals.find((signal) => signal.aborted);
      if (aborted !== undefined) {
        // As the platform does: with the reason, whatever it is.
        reject(aborted.reason as Error);
        return;
      }
      const unlinks = signals.map((signal) => onAbort(signal, reject));
      const settled = (settle: () => void): void => {
        if (!caller.alive) return;
        for (const unlink of unlinks) unlink();
        settle();
      };
      const answer = (outcome: PromiseSettledResult<unknown>): void => {
        if (outcome.status === 'fulfilled')
          world.network.send(to.name, from, `answer ${method}`, outcome.value, (value) =>
            settled(() => resolve(value)),
          );
        else {
          const error = errorOf(outcome.reason);
          world.network.send(to.name, from, `error ${method}`, String(error), () => settled(() => reject(error)));
        }
      };
      world.network.send(from.name, to, `call ${method}`, args, (arrived) =>
        serve(from.name, to, world, method, unpack(arrived as readonly unknown[]), answer),
      );
    });
  return new Proxy({} as Remote<T>, {
    get(_target, key) {
      // What is awaited is asked for `then`.
      if (typeof key === 'symbol' || key === 'then' || without.has(key)) return undefined;
      const value = (to.offered as Readonly<Record<string, unknown>> | undefined)?.[key];
      if (to.offered !== undefined && typeof value !== 'function') return copyOf(value);
      return (...args: unknown[]) => call(key, args);
    },
    has: (_target, key) =>
      !without.has(String(key)) && Object(to.offered) === to.offered && key in (to.offered as object),
  });
}

type Answer = (outcome: PromiseSettledResult<unknown>) => void;

/** In the process that is called. */
function serve(
  from: string,
  to: Machine,
  world: World,
  method: string,
  args: readonly unknown[],
  answer: Answer,
): void {
  const { incarnation, value } = to;
  const fate = drawCall(to.calls, to.luckOf(from));
  if (fate === 'refused') {
    answer({ status: 'rejected', reason: fault(`${to.name} refused ${method}`) });
    return;
  }
  const outcome = invoke(() => {
    const fn = (value as Readonly<Record<string, unknown>> | undefined)?.[method];
    if (typeof fn !== 'function') throw invalid('method', `one that ${to.name} has`, method);
    return Reflect.apply(fn, value, args) as unknown;
  });
  const answered = (settled: PromiseSettledResult<unknown>): void => {
    if (to.up && to.incarnation === incarnation) answerAs(fate, settled, to, world, method, answer);
  };
  outcome.then(
    (result) => answered({ status: 'fulfilled', value: result }),
    (reason: unknown) => answered({ status: 'rejected', reason }),
  );
}

function answerAs(
  fate: Exclude<CallFate, 'refused'>,
  settled: PromiseSettledResult<unknown>,
  to: Machine,
  world: World,
  method: string,
  answer: Answer,
): void {
  if (fate === 'served') answer(settled);
  else if (fate === 'unacknowledged') {
    answer({ status: 'rejected', reason: fault(`${to.name} did not acknowledge ${method}`) });
  } else if (fate === 'unanswered') world.trace.add(world.queue.nowMs, to.name, `unanswered: ${method}`);
  else world.queue.add(world.queue.nowMs + fate.lateMs, to.origin, () => answer(settled));
}
