import { HoldfastError } from '../../core/errors.ts';
import { onAbort } from '../../core/signals.ts';

/** @internal What has opened a source of hints is given. */
export interface HintSource {
  /** Something has changed in the elections whose key begins with this; `''`: perhaps in any. */
  readonly tell: (start: string) => void;
  /** Nothing will be told any more. */
  readonly broken: (error: unknown) => void;
}

/** @internal Opens the source; what it resolves to closes it again, and must not throw. */
export type OpenHints = (source: HintSource) => Promise<() => void>;

/**
 * @internal Watches of many elections over one source of hints, which is open while anybody watches.
 *
 * A watch has its first hint when the source is open, so that nothing is missed between reading and watching. Hints that
 * nobody has taken yet are one.
 */
export class Hints {
  readonly #open: OpenHints;
  readonly #watchers = new Set<Watcher>();
  #line: Line | undefined;

  constructor(open: OpenHints) {
    this.#open = open;
  }

  async *watch(key: string, signal: AbortSignal): AsyncGenerator<undefined, void, undefined> {
    const watcher = new Watcher(key);
    const unlink = onAbort(signal, () => watcher.end());
    try {
      if (!signal.aborted) this.#enter(watcher);
      while (await watcher.next()) yield;
    } finally {
      unlink();
      this.#leave(watcher);
    }
  }

  /** Ends every watch, and the source with them. */
  close(): void {
    for (const watcher of this.#watchers) watcher.end();
    this.#watchers.clear();
    this.#hangUp();
  }

  #enter(watcher: Watcher): void {
    this.#watchers.add(watcher);
    if (this.#line === undefined) this.#line = this.#dial();
    else if (this.#line.close !== undefined) watcher.ring();
  }

  #leave(watcher: Watcher): void {
    if (this.#watchers.delete(watcher) && this.#watchers.size === 0) this.#hangUp();
  }

  #dial(): Line {
    const line: Line = { over: false, close: undefined };
    const tell = (start: string): void => {
      if (line.over) return;
      for (const watcher of this.#watchers) if (watcher.key.startsWith(start)) watcher.ring();
    };
    const broken = (error: unknown): void => {
      if (line.over) return;
      const watchers = [...this.#watchers];
      this.#watchers.clear();
      this.#hangUp();
      for (const watcher of watchers) watcher.fail(error);
    };
    this.#open({ tell, broken }).then((close) => {
      if (line.over) {
        close();
        return;
      }
      line.close = close;
      tell('');
    }, broken);
    return line;
  }

  #hangUp(): void {
    const line = this.#line;
    if (line === undefined) return;
    this.#line = undefined;
    line.over = true;
    line.close?.();
  }
}

/** @internal For sources that end without saying why. */
export function sourceEnded(what: string): HoldfastError {
  return new HoldfastError('STORE_FAILED', `${what} was closed: nothing of what changes is told any more`);
}

interface Line {
  /** Nobody listens any more; what the source still tells is dropped. */
  over: boolean;
  /** Once it is open. */
  close: (() => void) | undefined;
}

class Watcher {
  readonly key: string;
  #rung = false;
  #ended = false;
  #error: { readonly reason: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(key: string) {
    this.key = key;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  fail(reason: unknown): void {
    this.#error = { reason };
    this.end();
  }

  /** Waits for a hint; false at the end. */
  async next(): Promise<boolean> {
    if (!this.#rung && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
    if (this.#error !== undefined) throw this.#error.reason;
    if (this.#ended) return false;
    this.#rung = false;
    return true;
  }
}
