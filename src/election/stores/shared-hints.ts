import { HoldfastError } from '../../core/errors.ts';
import { hints } from '../hints.ts';

/** @internal What has opened a source of hints is given. */
export interface SharedSource {
  /** Something has changed in the elections whose key begins with this; `''`: perhaps in any. */
  readonly tell: (start: string) => void;
  /** Nothing will be told any more. */
  readonly broken: (error: unknown) => void;
  /** Closes the source, also while it is being opened: that may take for ever, and must keep no process alive. */
  readonly signal: AbortSignal;
}

/** @internal Opens the source; resolves when all that happens from now on is told. */
export type OpenSource = (source: SharedSource) => Promise<void>;

interface Watcher {
  readonly key: string;
  readonly ring: () => void;
  readonly fail: (error: unknown) => void;
}

interface Line {
  /** Aborts when nobody listens any more; what the source still tells is dropped. */
  readonly ending: AbortController;
  isOpen: boolean;
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
    else if (this.#line.isOpen) watcher.ring();
  }

  #leave(watcher: Watcher): void {
    if (this.#watchers.delete(watcher) && this.#watchers.size === 0) this.#hangUp();
  }

  #dial(): void {
    const line: Line = { ending: new AbortController(), isOpen: false };
    this.#line = line;
    const { signal } = line.ending;
    const tell = (start: string): void => {
      // Until it is open, nobody has read what this would correct.
      if (signal.aborted || !line.isOpen) return;
      for (const watcher of this.#watchers) if (watcher.key.startsWith(start)) watcher.ring();
    };
    const broken = (error: unknown): void => {
      if (!signal.aborted) this.#break(error);
    };
    this.#open({ tell, broken, signal }).then(() => {
      line.isOpen = true;
      tell('');
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
    this.#line = undefined;
    line?.ending.abort();
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
