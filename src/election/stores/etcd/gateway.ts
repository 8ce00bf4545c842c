import { HoldfastError } from '../../../core/errors.ts';
import { describe } from '../../../core/options.ts';
import { until } from '../until.ts';

/** @internal One call of the JSON gateway; `path` is after `/v3/`. */
export type AskEtcd = <T>(path: string, body: object, signal: AbortSignal) => Promise<T>;

/** @internal What a stream answers, object by object. */
export type StreamEtcd = (path: string, body: object, signal: AbortSignal) => AsyncGenerator<unknown, void, undefined>;

/** @internal What the gateway needs of the platform and the user. */
export interface GatewayOptions {
  readonly endpoints: readonly string[];
  readonly fetch: typeof fetch;
  readonly headers: () => Readonly<Record<string, string>>;
}

/**
 * @internal The JSON gateway of etcd (https://etcd.io/docs/latest/dev-guide/api_grpc_gateway/).
 *
 * A call is made once, of one endpoint. One that could not be reached, did not answer in time or has an error of its own is passed
 * over from the next call on.
 */
export class Gateway {
  readonly #options: GatewayOptions;
  #turn = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  /** The answer; of a stream, its first object. */
  readonly ask: AskEtcd = async (path, body, signal) => {
    const [answer] = await this.#once(signal, async (own) => {
      const response = await this.#post(path, body, own);
      return [...new Lines().push(`${await response.text()}\n`)];
    });
    if (answer === undefined) throw failed(path, 'an empty answer');
    return answer as never;
  };

  readonly stream: StreamEtcd = (path, body, signal) => this.#stream(path, body, signal);

  async *#stream(path: string, body: object, signal: AbortSignal): AsyncGenerator<unknown, void, undefined> {
    const lines = new Lines();
    const decoder = new TextDecoder();
    const whole = new AbortController();
    try {
      const response = await this.#once(signal, () => this.#post(path, body, whole.signal));
      const reader = response.body?.getReader();
      for (;;) {
        const part = await this.#once(signal, async () => reader?.read());
        if (part?.value === undefined) throw failed(path, 'the end of the stream');
        yield* lines.push(decoder.decode(part.value as Uint8Array, { stream: true }));
      }
    } finally {
      whole.abort();
    }
  }

  async #post(path: string, body: object, signal: AbortSignal): Promise<Response> {
    const { endpoints, fetch, headers } = this.#options;
    const response = await fetch(`${endpoints[this.#turn]!}/v3/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers() },
      body: JSON.stringify(body),
      signal,
    });
    if (response.ok) return response;
    throw failed(path, `HTTP ${String(response.status)} ${await response.text()}`);
  }

  /** The request has a signal of its own: `fetch` leaves its listeners on the one that it is given. */
  async #once<T>(signal: AbortSignal, ask: (own: AbortSignal) => PromiseLike<T>): Promise<T> {
    const turn = this.#turn;
    const own = new AbortController();
    try {
      return await until(
        signal,
        () => ask(own.signal),
        () => own.abort(signal.reason),
      );
    } catch (error) {
      // Many calls that fail at once pass over one endpoint, not over several.
      if (turn === this.#turn) this.#turn = (turn + 1) % this.#options.endpoints.length;
      throw error;
    }
  }
}

/** The objects of a stream: one a line, wrapped in `result` or `error`. */
class Lines {
  #rest = '';

  *push(text: string): Generator<unknown, void, undefined> {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) if (line.trim() !== '') yield unwrap(line);
  }
}

function unwrap(line: string): unknown {
  let answer: { readonly error?: unknown; readonly result?: unknown };
  try {
    answer = JSON.parse(line) as typeof answer;
  } catch {
    throw new HoldfastError('STORE_FAILED', `etcd answered with what is no JSON: ${describe(line)}`);
  }
  if (answer.error !== undefined) throw new HoldfastError('STORE_FAILED', `etcd answered with an error: ${line}`);
  return answer.result ?? answer;
}

function failed(path: string, what: string): HoldfastError {
  return new HoldfastError('STORE_FAILED', `etcd answered ${path} with ${what.trim()}`);
}
