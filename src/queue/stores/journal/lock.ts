/*
 * One process at a time in a folder.
 *
 * The lock is a file `lock-n` that says whose it is, and of several the one with the highest number counts. Who wants it
 * links a file of its own to the next number, and link(2) refuses a name that exists: of all who saw the same owner dead,
 * or gone, one succeeds. The highest number never falls: lower files are removed by the one who has the highest, and who
 * gives the lock back links a last file that says so. So who slept over all this and links a low number sees a higher one.
 */
import { join } from 'node:path';
import { HoldfastError } from '../../../core/errors.ts';
import type { Random } from '../../../core/random.ts';
import { codeOf, type Files } from './files.ts';
import type { Owner, Processes } from './owner.ts';

const lockName = /^lock-(\d+)$/;
const draftName = /^lock-.*\.tmp$/;

/** @internal */
export class FolderLock {
  readonly #files: Files;
  readonly #folder: string;
  readonly #processes: Processes;
  readonly #random: Random;
  #number = 0;

  constructor(files: Files, folder: string, processes: Processes, random: Random) {
    this.#files = files;
    this.#folder = folder;
    this.#processes = processes;
    this.#random = random;
  }

  /**
   * Takes the lock.
   *
   * @throws {@link HoldfastError} `UNSUPPORTED` when a process that lives has it
   */
  async take(): Promise<void> {
    const self = await this.#processes.self();
    for (;;) {
      const newest = await this.#newest();
      const owner = newest === 0 ? null : await this.#ownerOf(newest);
      if (owner === undefined) continue; // removed meanwhile: there is a newer one
      if (owner !== null && (await this.#processes.isAlive(owner))) throw inUse(this.#folder, owner);
      if (!(await this.#isLinked(self, newest + 1))) continue;
      if ((await this.#newest()) !== newest + 1) {
        await this.#remove(this.#path(newest + 1)); // it came too late
        continue;
      }
      this.#number = newest + 1;
      await this.#tidy();
      return;
    }
  }

  /** Gives the lock back, if it was taken. */
  async release(): Promise<void> {
    if (this.#number === 0) return;
    if (await this.#isLinked(null, this.#number + 1)) await this.#remove(this.#path(this.#number));
    this.#number = 0;
  }

  /** The highest number; 0 when there is none. */
  async #newest(): Promise<number> {
    const names = await this.#files.list(this.#folder);
    return Math.max(0, ...names.flatMap((name) => lockName.exec(name)?.[1] ?? []).map(Number));
  }

  /** Whose lock it is; null: nobody's, it was given back; undefined: it is gone. */
  async #ownerOf(number: number): Promise<Owner | null | undefined> {
    let text: string;
    try {
      text = (await this.#files.read(this.#path(number))).toString();
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    const owner = ownerIn(text);
    if (owner !== undefined) return owner;
    const doubt = `${this.#path(number)} does not say whose lock it is; remove it when nobody uses the folder`;
    throw new HoldfastError('UNSUPPORTED', doubt);
  }

  /** Whether the lock of this number says now whose it is, and did not before. */
  async #isLinked(owner: Owner | null, number: number): Promise<boolean> {
    const draft = join(this.#folder, `lock-${String(process.pid)}-${this.#random().toString(36).slice(2)}.tmp`);
    try {
      const file = await this.#files.create(draft);
      try {
        await file.write(Buffer.from(JSON.stringify(owner)));
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#files.link(draft, this.#path(number));
      return true;
    } catch (error) {
      // Another was faster, or has tidied the draft away.
      if (codeOf(error) === 'EEXIST' || codeOf(error) === 'ENOENT') return false;
      throw error;
    } finally {
      await this.#remove(draft);
    }
  }

  /** Removes what dead ones have left. */
  async #tidy(): Promise<void> {
    for (const name of await this.#files.list(this.#folder)) {
      const number = Number(lockName.exec(name)?.[1] ?? Infinity);
      if (number < this.#number || draftName.test(name)) await this.#remove(join(this.#folder, name));
    }
  }

  async #remove(path: string): Promise<void> {
    await this.#files.remove(path).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
  }

  #path(number: number): string {
    return join(this.#folder, `lock-${String(number)}`);
  }
}

function ownerIn(text: string): Owner | null | undefined {
  try {
    const owner = JSON.parse(text) as Partial<Owner> | null;
    const isOwner =
      owner === null ||
      (typeof owner.pid === 'number' && typeof owner.boot === 'string' && typeof owner.start === 'string');
    return isOwner ? (owner as Owner | null) : undefined;
  } catch {
    return undefined;
  }
}

function inUse(folder: string, { pid }: Owner): HoldfastError {
  return new HoldfastError(
    'UNSUPPORTED',
    `the journal in ${folder} is in use by process ${String(pid)}, and is one store's at a time; for several processes take a store with a server`,
  );
}
