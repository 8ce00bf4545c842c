import type { Runtime } from '../core/runtime.ts';

/** @internal A store's watch, kept up: what breaks is opened again after a while. */
export class Watching {
  readonly #open: (signal: AbortSignal) => AsyncIterable<unknown>;
  readonly #pauseMs: number;
  readonly #runtime: Runtime;
  readonly #tell: (event: { readonly type: 'hint' } | { readonly type: 'watching'; readonly on: boolean }) => void;
  #controller: AbortController | undefined;

  constructor(
    open: (signal: AbortSignal) => AsyncIterable<unknown>,
    pauseMs: number,
    runtime: Runtime,
    tell: (event: { readonly type: 'hint' } | { readonly type: 'watching'; readonly on: boolean }) => void,
  ) {
    this.#open = open;
    this.#pauseMs = pauseMs;
    this.#runtime = runtime;
    this.#tell = tell;
  }

  /** Idempotent. */
  start(): void {
    if (this.#controller !== undefined) return;
    this.#controller = new AbortController();
    void this.#keep(this.#controller.signal);
  }

  /** Idempotent; nothing is told afterwards. */
  stop(): void {
    this.#controller?.abort();
    this.#controller = undefined;
  }

  async #keep(signal: AbortSignal): Promise<void> {
    const over = (): boolean => signal.aborted;
    while (!over()) {
      await this.#follow(signal, over).catch(() => {
        // A hint is a help, not a need: without one the lease is looked at now and then.
      });
      if (over()) return;
      this.#tell({ type: 'watching', on: false });
      await this.#runtime.clock.sleep(this.#pauseMs * (0.5 + this.#runtime.random()), signal).catch(() => undefined);
    }
  }

  async #follow(signal: AbortSignal, over: () => boolean): Promise<void> {
    const hints = this.#open(signal)[Symbol.asyncIterator]();
    // The first hint shows that the watch works: until then it may have missed something.
    for (let first = true; (await hints.next()).done !== true; first = false) {
      if (over()) return;
      if (first) this.#tell({ type: 'watching', on: true });
      this.#tell({ type: 'hint' });
    }
  }
}
