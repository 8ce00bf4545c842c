/*
 * A log of whole entries in a folder, to which one of many writers appends at a time.
 *
 * Entry n is the file `n.json`. Who wants to append n + 1 writes a file of its own and links it to that name: link(2) is
 * atomic and refuses a name that exists, so of all who saw n as the newest, one succeeds, and what a reader opens is whole.
 *
 * Old entries are removed, the oldest first. A writer that slept over it may then link to a name that is free again. What
 * it did was too late, and it can know that afterwards: had its name never been removed, the entry before would be there
 * still, the very same. Its own entry does no harm, for readers go by the highest number.
 */
import { type FileHandle, link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** @internal An entry: its number, an id that no other entry has, and what was written. */
export interface Entry<T> {
  readonly seq: number;
  readonly id: string;
  readonly value: T;
}

/** @internal Where a log ends: the highest number taken, and the newest whole entry. */
export interface LogEnd<T> {
  readonly seq: number;
  readonly entry: Entry<T> | undefined;
}

/** What is in a file. */
interface Written {
  readonly id: string;
  /** The id of the entry that the writer took for the newest. */
  readonly after: string | undefined;
  readonly value: unknown;
}

/** So many entries stay; a reader or a writer that sleeps over fewer notices nothing. */
const kept = 32;

/** A file of a writer that has not been linked for so long is that of one that died. By the file system's clock. */
const abandonedMs = 60_000;

const entryName = /^([1-9]\d{0,14})\.json$/;

/** @internal */
export class FileLog<T> {
  readonly folder: string;
  readonly #unique: () => string;
  readonly #parse: (value: unknown) => T | undefined;

  /** `unique`: names that no other process has; `parse`: what a value means, undefined when it is none of ours. */
  constructor(folder: string, unique: () => string, parse: (value: unknown) => T | undefined) {
    this.folder = folder;
    this.#unique = unique;
    this.#parse = parse;
  }

  /** Where the log ends now; rejects with the signal's reason. Entries that nobody can read, and files that are none, are passed over. */
  async end(signal: AbortSignal): Promise<LogEnd<T>> {
    for (;;) {
      signal.throwIfAborted();
      const end = await this.#endOf(numbersIn(await this.#names()));
      if (end !== undefined) return end;
    }
  }

  /**
   * Appends after what the writer took for the end; undefined when it has to look at the end again: another was faster.
   *
   * @throws the signal's reason, and then nothing has been appended
   */
  async append(end: LogEnd<T>, value: T, signal: AbortSignal): Promise<Entry<T> | undefined> {
    const seq = end.seq + 1;
    const id = this.#unique();
    const written: Written = { id, after: end.entry?.id, value };
    const draft = join(this.folder, `${id}.tmp`);
    const file = await this.#create(draft);
    if (file === undefined) return undefined;
    try {
      await fill(file, JSON.stringify(written));
      signal.throwIfAborted();
      const linked = (await isLinked(draft, this.#path(seq))) && (await this.#isInTime(end.entry, seq, id));
      if (linked) await this.#tidy(draft);
      return linked ? { seq, id, value } : undefined;
    } finally {
      await unlink(draft).catch(() => undefined); // a later writer removes it
    }
  }

  /** The end by a listing; undefined when it is out of date. */
  async #endOf(numbers: readonly number[]): Promise<LogEnd<T> | undefined> {
    const seq = numbers.at(-1) ?? 0;
    for (const number of numbers.toReversed()) {
      const text = await textOf(this.#path(number));
      if (text === undefined) return undefined; // removed meanwhile
      const written = writtenIn(text);
      const value = written === undefined ? undefined : this.#parse(written.value);
      if (written !== undefined && value !== undefined) return { seq, entry: { seq: number, id: written.id, value } };
    }
    return { seq, entry: undefined };
  }

  /** Whether an entry that has just been linked was the newest then. */
  async #isInTime(before: Entry<T> | undefined, seq: number, id: string): Promise<boolean> {
    if (before !== undefined && (await this.#written(before.seq))?.id === before.id) return true;
    if (numbersIn(await this.#names()).at(-1) === seq) return true;
    return (await this.#written(seq + 1))?.after === id;
  }

  /** Removes what nobody needs any more. What fails is left to the next writer. */
  async #tidy(draft: string): Promise<void> {
    try {
      const names = await this.#names();
      const numbers = numbersIn(names);
      // The oldest first, and none before the one below it is gone: the check of who was too late stands on it.
      if (numbers.length >= 2 * kept) for (const seq of numbers.slice(0, -kept)) await remove(this.#path(seq));
      const drafts = names.filter((name) => name.endsWith('.tmp')).map((name) => join(this.folder, name));
      if (drafts.length < 2) return;
      const { mtimeMs } = await stat(draft);
      for (const other of drafts) if (mtimeMs - (await stat(other)).mtimeMs > abandonedMs) await remove(other);
    } catch {
      // Nothing of the log depends on it.
    }
  }

  /** A new file; undefined when the writer has to try again: its folder was missing, or another has drawn the same name. */
  async #create(path: string): Promise<FileHandle | undefined> {
    try {
      return await open(path, 'wx');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') await mkdir(this.folder, { recursive: true });
      else if (codeOf(error) !== 'EEXIST') throw error;
      return undefined;
    }
  }

  async #written(seq: number): Promise<Written | undefined> {
    const text = await textOf(this.#path(seq));
    return text === undefined ? undefined : writtenIn(text);
  }

  async #names(): Promise<string[]> {
    return (await unlessMissing(readdir(this.folder))) ?? [];
  }

  #path(seq: number): string {
    return join(this.folder, `${String(seq)}.json`);
  }
}

/** The numbers of the entries, ascending. */
function numbersIn(names: readonly string[]): number[] {
  const numbers = names.flatMap((name) => entryName.exec(name)?.[1] ?? []).map(Number);
  return numbers.sort((a, b) => a - b);
}

async function fill(file: FileHandle, text: string): Promise<void> {
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Whether the file is linked to the name; not when another is. */
async function isLinked(file: string, name: string): Promise<boolean> {
  try {
    await link(file, name);
    return true;
  } catch (error) {
    // The folder, or the file, was removed by hand or as that of one that died.
    if (codeOf(error) === 'ENOENT') return false;
    if (codeOf(error) !== 'EEXIST') throw error;
    // NFS repeats a request whose answer it lost, and then finds the name taken by itself.
    return (await unlessMissing(stat(file)))?.nlink === 2;
  }
}

function writtenIn(text: string): Written | undefined {
  try {
    const written = JSON.parse(text) as Partial<Written> | null;
    return typeof written?.id === 'string' ? (written as Written) : undefined;
  } catch {
    return undefined;
  }
}

function textOf(path: string): Promise<string | undefined> {
  return unlessMissing(readFile(path, 'utf8'));
}

async function remove(path: string): Promise<void> {
  await unlessMissing(unlink(path));
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}
