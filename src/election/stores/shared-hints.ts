import { HoldfastError } from '../../core/errors.ts';
import { hints } from '../hints.ts';

/** @internal What has opened a source of hints is given. */
export interface SharedSource {
  /** Something has changed in the elections whose key begins with this; `''`: perhaps in any. */
  readonly tell: (start: string) => void;
  /** Nothing will be told any more. */
  readonly broken: (error: unknown) => void;
}

/** @internal Opens the source; what it resolves to closes it again, and must not throw. */
export type OpenSource = (source: SharedSource) => Promise<() => void>;

interface Watcher {
  readonly key: string;
  readonly ring: () => void;
  readonly fail: (error: unknown) => void;
}

interface Line {
  /** Nobody listens any more; what the source still tells is dropped. */
  over: boolean;
  /** Once it is open. */
  close: (() => void) | undefined;
}

/**
 * @internal Watches of many elections over one source of hints, which is open while anybody watches.
 *
 * A watch has its first hint when the source is open, so that nothing is missed between reading and watching.
 */
export class SharedHints {
  readonly #open: OpenSource;
  readonly #watchers = new Set<Watcher>();
  #line: Line | undefined;

  constructor(open: OpenSource) {
    this.#open = open;
  }

  watch(key: string, signal: AbortSignal): AsyncIterable<undefined> {
    return hints(signal, (ring, fail) => {
      const watcher = { key, ring, fail };
      // An aborted watch closes what it opens at once: nobody is asked for that.
      if (!signal.aborted) this.#enter(watcher);
      return () => this.#leave(watcher);
    });
  }

  /** Breaks every watch, and closes the source with them. */
  close(): void {
    this.#break(closed());
  }

  #enter(watcher: Watcher): void {
    this.#watchers.add(watcher);
    if (this.#line === undefined) this.#dial();
    else if (this.#line.close !== undefined) watcher.ring();
  }

  #leave(watcher: Watcher): void {
    if (this.#watchers.delete(watcher) && this.#watchers.size === 0) this.#hangUp();
  }

  #dial(): void {
    const line: Line = { over: false, close: undefined };
    this.#line = line;
    const tell = (start: string): void => {
      // Until it is open, nobody has read what this would correct.
      if (line.over || line.close === undefined) return;
      for (const watcher of this.#watchers) if (watcher.key.startsWith(start)) watcher.ring();
    };
    const broken = (error: unknown): void => {
      if (!line.over) this.#break(error);
    };
    this.#open({ tell, broken }).then((close) => {
      line.close = close;
      if (line.over) close();
      else tell('');
    }, broken);
  }

  #break(error: unknown): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    this.#hangUp();
    for (const watcher of watchers) watcher.fail(error);
  }

  #hangUp(): void {
    const line = this.#line;
    if (line === undefined) return;
    this.#line = undefined;
    line.over = true;
    line.close?.();
  }
}

/** @internal For watches whose store was closed. */
export function closed(): HoldfastError {
  return new HoldfastError('CLOSED', 'the store was closed while it was watched');
}

/** @internal For sources that end without saying why. */
export function sourceEnded(what: string): HoldfastError {
  return new HoldfastError('STORE_FAILED', `${what} was closed: nothing of what changes is told any more`);
}
