interface Known<T> {
  /** Held weakly: one call may see requests without end. */
  readonly objects: WeakMap<object, T>;
  readonly others: Map<unknown, T>;
}

/**
 * @internal A function of a request that is asked once for all attempts of one call, and each time where the request belongs
 * to no such call. An object is the same request as itself, anything else as its equal. What throws is asked again.
 */
export function oncePerCall<Req, T>(ask: (request: Req) => T): (request: Req, call: object | undefined) => T {
  const known = new WeakMap<object, Known<T>>();
  return (request, call) => {
    if (call === undefined) return ask(request);
    let ofCall = known.get(call);
    if (ofCall === undefined) known.set(call, (ofCall = { objects: new WeakMap(), others: new Map() }));
    const answers = (typeof request === 'object' && request !== null ? ofCall.objects : ofCall.others) as Map<Req, T>;
    if (!answers.has(request)) answers.set(request, ask(request));
    return answers.get(request)!;
  };
}
