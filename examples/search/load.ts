import { setTimeout as sleep } from 'node:timers/promises';

/** One request of a load, and what came of it. */
export interface Sample<A> {
  /** What was asked for: a query, the id of a document. */
  readonly asked: string;
  /** Milliseconds from sending it until all of the answer was there. */
  readonly ms: number;
  readonly answer?: A;
  readonly error?: unknown;
}

export interface LoadOptions {
  readonly perSecond: number;
  readonly count: number;
  /** Go on until this has come, too, but never beyond `atMost` requests. */
  readonly until?: Promise<unknown>;
  readonly atMost?: number;
  readonly signal: AbortSignal;
  /** Told before each request, with how many were sent before. */
  readonly onSend?: (sent: number) => void;
}

/** A machine that is slower than the rate is not buried under it. */
const mostInFlight = 6;

/**
 * Sends requests at a steady rate, whether or not the ones before were answered, and waits for all answers. The rate is
 * not kept while there are too many in flight.
 */
export async function runLoad<A>(
  ask: (asked: string) => Promise<A>,
  requests: readonly string[],
  { perSecond, count, until, atMost = count, signal, onSend }: LoadOptions,
): Promise<Sample<A>[]> {
  const samples: Sample<A>[] = [];
  const inFlight = new Set<Promise<void>>();
  let over = until === undefined;
  const onOver = (): void => {
    over = true;
  };
  until?.then(onOver, onOver);
  const start = performance.now();
  for (let sent = 0; sent < count || (!over && sent < atMost); sent++) {
    const due = start + (1_000 * sent) / perSecond;
    const early = due - performance.now();
    if (early > 0) await sleep(early, undefined, { signal });
    if (inFlight.size >= mostInFlight) await Promise.race(inFlight);
    const begun = performance.now();
    onSend?.(sent);
    const asked = requests[sent % requests.length]!;
    const done = ask(asked)
      .then(
        (answer) => ({ answer }),
        (error: unknown) => ({ error }),
      )
      .then((result) => {
        samples.push({ asked, ms: performance.now() - begun, ...result });
        inFlight.delete(done);
      });
    inFlight.add(done);
  }
  await Promise.all(inFlight);
  return samples;
}
