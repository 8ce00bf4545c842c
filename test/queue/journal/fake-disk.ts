/*
 * A disk in memory that can stop between any two operations, or in the middle of one, and then has what a real one might
 * have: what was synced, and of the rest all, nothing or some.
 */
import type { Files, LogFile } from '../../../src/queue/stores/journal/files.ts';
import type { Processes } from '../../../src/queue/stores/journal/owner.ts';

interface Inode {
  /** What a reader sees. */
  bytes: Buffer;
  /** What is on the disk for sure. */
  synced: Buffer;
}

/** What is left of what was not synced: `all` after the end of a process; any after the loss of power. */
export type Loss = 'all' | 'none' | 'half' | 'holes';
export const losses: readonly Loss[] = ['all', 'none', 'half', 'holes'];

const failing = (code: string): Error => Object.assign(new Error(`${code}: no such luck`), { code });

export class FakeDisk implements Files {
  /** Path → file; folders are not asked for. */
  readonly names: Map<string, Inode>;
  readonly #syncedNames: Map<string, Inode>;
  /** The operations so far that change something. */
  operations = 0;
  log: string[] = [];
  /** After so many operations nothing happens any more; the next one is begun. */
  stopAfter = Infinity;
  /** Fails an operation; what a write has done then is half of it. */
  fault: ((operation: string, path: string) => string | undefined) | undefined;

  /** How long operations take. */
  pace: (() => Promise<void>) | undefined;

  constructor(names: ReadonlyMap<string, Inode> = new Map()) {
    this.names = new Map(names);
    this.#syncedNames = new Map(names);
  }

  /** What is found when the machine runs again. */
  afterLoss(loss: Loss, random: () => number): FakeDisk {
    const isKept = (): boolean => (loss === 'all' ? true : loss === 'none' ? false : random() < 0.5);
    const names = new Map(this.#syncedNames);
    for (const path of new Set([...this.names.keys(), ...this.#syncedNames.keys()])) {
      const inode = this.names.get(path);
      if (inode === this.#syncedNames.get(path) || !isKept()) continue;
      if (inode === undefined) names.delete(path);
      else names.set(path, inode);
    }
    const left = new Map<Inode, Inode>();
    for (const inode of names.values()) {
      const bytes = leftOf(inode, loss, random);
      left.set(inode, { bytes, synced: bytes });
    }
    return new FakeDisk(new Map([...names].map(([path, inode]) => [path, left.get(inode)!])));
  }

  /** The whole of it, for a test that changes bytes. */
  copy(): FakeDisk {
    return this.afterLoss('all', () => 0);
  }

  /** The files of the journal, in order. */
  get segments(): readonly string[] {
    return [...this.names.keys()].filter((path) => path.endsWith('.journal')).sort();
  }

  bytesOf(path: string): Buffer {
    return this.names.get(path)!.bytes;
  }

  setBytes(path: string, bytes: Buffer): void {
    this.names.set(path, { bytes, synced: bytes });
  }

  get size(): number {
    return this.segments.reduce((sum, path) => sum + this.bytesOf(path).length, 0);
  }

  async makeFolder(): Promise<void> {
    await this.pace?.();
  }

  async list(folder: string): Promise<string[]> {
    await this.pace?.();
    return [...this.names.keys()]
      .filter((path) => path.startsWith(`${folder}/`))
      .map((path) => path.slice(folder.length + 1));
  }

  async read(path: string): Promise<Buffer> {
    await this.pace?.();
    return this.#inode(path).bytes;
  }

  async create(path: string): Promise<LogFile> {
    await this.#begin('create', path);
    if (this.names.has(path)) throw failing('EEXIST');
    const inode: Inode = { bytes: Buffer.alloc(0), synced: Buffer.alloc(0) };
    this.names.set(path, inode);
    return {
      write: async (bytes) => {
        const half = (): void => {
          inode.bytes = Buffer.concat([inode.bytes, bytes.subarray(0, bytes.length >> 1)]);
        };
        await this.#begin('write', path, half);
        inode.bytes = Buffer.concat([inode.bytes, bytes]);
      },
      sync: async () => {
        const begun = inode.bytes;
        await this.#begin('sync', path);
        inode.synced = begun;
      },
      close: async () => {},
    };
  }

  async link(path: string, name: string): Promise<void> {
    await this.#begin('link', name);
    const inode = this.#inode(path);
    if (this.names.has(name)) throw failing('EEXIST');
    this.names.set(name, inode);
  }

  async truncate(path: string, bytes: number): Promise<void> {
    await this.#begin('truncate', path);
    const inode = this.#inode(path);
    inode.bytes = inode.bytes.subarray(0, bytes);
    await this.#begin('sync', path);
    inode.synced = inode.bytes;
  }

  async remove(path: string): Promise<void> {
    await this.#begin('remove', path);
    this.#inode(path);
    this.names.delete(path);
  }

  async syncFolder(folder: string): Promise<void> {
    await this.#begin('syncFolder', folder);
    this.#syncedNames.clear();
    for (const [path, inode] of this.names) this.#syncedNames.set(path, inode);
  }

  /** Resolves a moment later, when the operation may be done; never, when the machine has stopped. */
  async #begin(operation: string, path: string, half?: () => void): Promise<void> {
    await this.pace?.();
    await Promise.resolve();
    if (this.operations >= this.stopAfter) {
      if (this.operations++ === this.stopAfter) half?.();
      await new Promise(() => undefined);
    }
    this.operations++;
    this.log.push(`${operation} ${path}`);
    const code = this.fault?.(operation, path);
    if (code === undefined) return;
    half?.();
    throw failing(code);
  }

  #inode(path: string): Inode {
    const inode = this.names.get(path);
    if (inode === undefined) throw failing('ENOENT');
    return inode;
  }
}

function leftOf({ bytes, synced }: Inode, loss: Loss, random: () => number): Buffer {
  if (loss === 'all') return bytes;
  if (loss === 'none') return synced;
  if (bytes.length <= synced.length) return random() < 0.5 ? bytes : synced; // a cut
  if (loss === 'half')
    return bytes.subarray(0, synced.length + Math.floor(random() * (bytes.length - synced.length + 1)));
  const left = Buffer.from(bytes);
  for (let at = synced.length; at < left.length; at += 16)
    if (random() < 0.3) left.fill(0, at, Math.min(at + 16, left.length));
  return left;
}

/** Processes that all are one, or are dead. */
export const deadProcesses: Processes = {
  self: async () => ({ pid: 1, boot: 'b', start: 's' }),
  isAlive: async () => false,
};
