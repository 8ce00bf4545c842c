import { Deadline, deadlineExceeded, deadlineFrom } from '../core/deadline.ts';
import { check, func, number, readOptions, type Rule } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { callOf } from './attempt.ts';
import { type Call, type CallLimits, checkCallOptions } from './call.ts';
import { oncePerCall } from './once-per-call.ts';
import { bounded } from './timebox.ts';

/** Options of {@link withDeadline}. */
export interface WithDeadlineOptions<Req> {
  /**
   * Header in: the value of the deadline header that the request came with, if it did. The call then has the time that is
   * left of it, or less. Inside a `retry` or a `hedge` it is asked once for each request of a call, not for each attempt:
   * the time that came in does not begin again.
   */
  readonly read?: ((request: Req) => string | null | undefined) | undefined;
  /**
   * Header out: the request to send, with this value as its deadline header. Asked for each call, and so for each attempt
   * when it is inside a `retry` or a `hedge`. Not asked when there is no deadline. The header is in whole milliseconds, so
   * with less than one left the call is not made: the receiver would read that there is no time.
   */
  readonly write?: ((request: Req, header: string) => Req) | undefined;
  /**
   * The longest the call may take, in milliseconds, whatever its caller and the header say. Inside a `retry` or a `hedge`
   * it bounds each attempt.
   *
   * @defaultValue no limit
   */
  readonly maxMs?: number | undefined;
  /**
   * With less time left than so many milliseconds the call is not made: it could only fail, having cost something.
   *
   * @defaultValue 0
   */
  readonly minRemainingMs?: number | undefined;
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

const what = 'a call with a deadline';
const headerRule: Rule<string | null | undefined> = {
  expected: 'a string, null or undefined',
  accepts: (value) => typeof value === 'string' || value === null || value === undefined,
};

/**
 * A call whose deadline comes in with a request and goes out with it, as the milliseconds that are left.
 *
 * Promises: the call has the least of the options' deadline, the header's and `maxMs`; it is not made when less than
 * `minRemainingMs` is left, or less than the millisecond that a header can say; it settles at the deadline at the latest;
 * what is written is what is left when the call is made, never more than came in, whatever the date of either machine: no
 * wall clock is read. A deadline so shrinks at each hop and with each attempt: the attempts of a `retry` or a `hedge` around
 * it share the deadline that their request came with.
 *
 * Does not promise to count the time on the wire, nor to know a request again that a layer between has copied: read the
 * header outside such a layer, and outside a `retry`, which then does not begin what has no time left.
 *
 * @param call - what to call
 * @param options - header in, header out, bounds
 * @throws {@link HoldfastError} `INVALID_OPTION`; as a rejection `DEADLINE_EXCEEDED`, and `INVALID_OPTION` for a header that
 * is no deadline: answer 400
 * @example
 * ```ts
 * import { type Call, withDeadline } from 'holdfast/calls';
 *
 * type Message = { readonly url: string; readonly headers: Readonly<Record<string, string>> };
 * const send: Call<Message, number> = async ({ headers }) => Number(headers['x-deadline-ms']);
 *
 * const call = withDeadline(send, {
 *   read: ({ headers }) => headers['x-deadline-ms'],
 *   write: ({ url, headers }, ms) => ({ url, headers: { ...headers, 'x-deadline-ms': ms } }),
 *   maxMs: 1_000,
 * });
 * (await call({ url: '/tea', headers: { 'x-deadline-ms': '5000' } })) <= 1_000 // => true
 * ```
 */
export function withDeadline<Req, Res>(
  call: Call<Req, Res>,
  options: WithDeadlineOptions<Req>,
): (request: Req, options?: CallLimits) => Promise<Res> {
  check('call', call, func());
  const {
    read,
    write,
    maxMs = Infinity,
    minRemainingMs = 0,
    runtime = systemRuntime,
  } = readOptions('withDeadline', options, {
    read: func<(request: Req) => string | null | undefined>(),
    write: func<(request: Req, header: string) => Req>(),
    maxMs: number({ min: 0 }),
    minRemainingMs: number({ min: 0 }),
    runtime: runtimeRule,
  });
  const { clock } = runtime;
  const cameWith = oncePerCall((request: Req): Deadline => {
    const header = check('what the read function returns', read!(request), headerRule);
    return header === null || header === undefined ? Deadline.never : Deadline.fromHeader(header, clock);
  });

  return async (request, callOptions = {}) => {
    checkCallOptions(callOptions);
    const asked = read === undefined ? Deadline.never : cameWith(request, callOf(callOptions));
    const deadline = deadlineFrom(callOptions.deadline, clock).earliest(asked).earliest(Deadline.after(maxMs, clock));
    const leftMs = deadline.remaining();
    const header = write === undefined || leftMs === Infinity ? undefined : deadline.toHeader();
    // A header in whole milliseconds rounds less than one to no time at all.
    if (callOptions.signal?.aborted !== true && (leftMs < minRemainingMs || header === '0'))
      throw deadlineExceeded(what);
    const send: Call<Req, Res> = (current, inner) =>
      call(header === undefined ? current : write!(current, header), inner);
    return await bounded(what, send, request, callOptions, deadline, runtime);
  };
}
