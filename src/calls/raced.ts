import { deadlineExceeded, deadlineFrom } from '../core/deadline.ts';
import type { Runtime } from '../core/runtime.ts';
import { refusal, Scope } from '../core/scope.ts';
import { outerOf } from './attempt.ts';
import { type Attempt, type CallLimits, checkCallOptions } from './call.ts';
import { Race } from './race.ts';
import type { RacePolicy } from './race-entry.ts';

/** @internal A call of which each is a {@link Race}: what `hedge` and `retry` are shells of. */
export function raced<Req, Res>(
  what: string,
  call: (request: Req, attempt: Attempt) => Res | PromiseLike<Res>,
  policy: RacePolicy<Req, Res>,
  runtime: Runtime,
): (request: Req, options?: CallLimits) => Promise<Res> {
  return async (request, options = {}) => {
    checkCallOptions(options);
    const outer = outerOf(options);
    const limits = { signal: options.signal, deadline: deadlineFrom(options.deadline, runtime.clock) };
    const refused = refusal(what, limits);
    if (refused !== undefined) throw refused.reason;
    return await new Promise<Res>((resolve, reject) => {
      const race = new Race<Req, Res>({
        what,
        request,
        run: (attempt) => call(request, attempt),
        deadline: limits.deadline,
        runtime,
        policy,
        outer,
        onResult: (result) => {
          scope.close();
          if (result.status === 'ok') resolve(result.value);
          else reject(limits.deadline.expired ? deadlineExceeded(what, result.error) : result.error);
        },
      });
      const scope = new Scope(what, limits, runtime.clock, (reason) => {
        race.end(reason);
        reject(reason);
      });
      race.start();
    });
  };
}
