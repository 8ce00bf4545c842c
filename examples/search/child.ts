import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** One process of this example, from its start to its end. It is started as this process was: with the same flags of Node. */
export class Child {
  readonly #child: ChildProcess;
  /** Resolves when the process is no more, with why. */
  readonly exited: Promise<string>;

  /**
   * @param module - what it runs
   * @param argument - the only one of its command line
   */
  constructor(module: URL, argument = '') {
    const child = fork(fileURLToPath(module), [argument], {
      stdio: ['pipe', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced', // a token is a bigint, of which JSON knows nothing
    });
    this.#child = child;
    child.stdin?.on('error', () => undefined); // it has ended: `exited` says so
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        resolve(signal ?? `exit code ${String(code)}`);
      });
      child.on('error', (error) => {
        if (child.pid === undefined) resolve(error.message);
      });
    });
  }

  /** The process's id; undefined when there was no process to be had. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Ends the process, and there is nothing that it could do about it. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Has each message of the process told. */
  protected onMessage(listener: (message: unknown) => void): void {
    this.#child.on('message', listener);
  }

  /** Sends a message; one to a process that has ended is lost. */
  protected send(message: object): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** Writes to what the process can read as its standard input. */
  protected write(text: string): void {
    this.#child.stdin?.write(text);
  }
}
