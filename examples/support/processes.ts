/** The processes of an example, and what they tell. A process ends with its parent: at its `disconnect`. */
import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Processes that send messages of some kinds. */
export class Processes<M extends { readonly kind: string }> {
  readonly #children = new Map<string, ChildProcess>();
  readonly #ends: Promise<string>[] = [];
  readonly #told: (M & { readonly by: string })[] = [];
  readonly #arrived = new EventEmitter();

  /** Starts a process, with the same flags of Node as this one. */
  start(id: string, module: URL, ...args: readonly string[]): void {
    const child = fork(fileURLToPath(module), [id, ...args]);
    this.#children.set(id, child);
    child.on('message', (message) => {
      this.#told.push({ ...(message as M), by: id });
      this.#arrived.emit('message');
    });
    this.#ends.push(once(child, 'exit').then(([code, signal]) => String(signal ?? code)));
  }

  signal(id: string, signal: NodeJS.Signals): void {
    this.#children.get(id)!.kill(signal);
  }

  /** Kills one, and waits until it is gone. */
  async kill(id: string): Promise<void> {
    const child = this.#children.get(id)!;
    const gone = once(child, 'exit');
    if (child.kill('SIGKILL')) await gone;
  }

  /** The next message of a kind, after the last one that was asked for. Who sent it can be ruled out or asked for. */
  async next<K extends M['kind']>(
    kind: K,
    from: { readonly by?: string; readonly not?: string } = {},
  ): Promise<Extract<M, { readonly kind: K }> & { readonly by: string }> {
    for (;;) {
      for (let one = this.#told.shift(); one !== undefined; one = this.#told.shift())
        if (one.kind === kind && one.by === (from.by ?? one.by) && one.by !== from.not)
          return one as Extract<M, { readonly kind: K }> & { readonly by: string };
      await once(this.#arrived, 'message');
    }
  }

  /** How each has ended, when all have: its exit code or the signal that killed it. */
  ended(): Promise<string[]> {
    return Promise.all(this.#ends);
  }

  /** Ends them, and waits until they are gone. */
  async close(): Promise<void> {
    for (const id of this.#children.keys()) this.signal(id, 'SIGKILL');
    await this.ended();
  }
}
