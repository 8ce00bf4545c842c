/*
 * What the journal needs of a file system: a seam, so that tests can stop it between any two operations.
 */
import { type FileHandle, link, mkdir, open, readdir, readFile, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** @internal A file that is written from its beginning to its end. */
export interface LogFile {
  /** Appends all of it, or rejects and has appended some of it. */
  write(bytes: Uint8Array): Promise<void>;
  /** When it resolves, all that was written before is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** @internal */
export interface Files {
  /** Makes the folder and those above it, if they are not there, on the disk; readable by their owner only. */
  makeFolder(path: string): Promise<void>;
  /** The names in a folder. */
  list(path: string): Promise<readonly string[]>;
  read(path: string): Promise<Buffer>;
  /** A new file, readable by its owner only; rejects with EEXIST when there is one. */
  create(path: string): Promise<LogFile>;
  /** Gives a file another name; rejects with EEXIST when that is taken. */
  link(path: string, name: string): Promise<void>;
  /** Cuts a file to its first bytes, on the disk when it resolves. */
  truncate(path: string, bytes: number): Promise<void>;
  remove(path: string): Promise<void>;
  /** When it resolves, the names that the folder has and has not are on the disk. */
  syncFolder(path: string): Promise<void>;
}

/** @internal Node's. */
export const nodeFiles: Files = {
  makeFolder: async (path) => {
    const first = await mkdir(path, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    // A folder is on the disk when the one that it is in is.
    const [top, last] = [dirname(resolve(first)), resolve(path)];
    for (let above = dirname(last); ; above = dirname(above)) {
      await nodeFiles.syncFolder(above);
      if (above === top) return;
    }
  },
  list: (path) => readdir(path),
  read: (path) => readFile(path),
  create: async (path) => logFile(await open(path, 'wx', 0o600)),
  link: (path, name) => link(path, name),
  truncate: (path, bytes) =>
    using(path, 'r+', async (file) => {
      await file.truncate(bytes);
      await file.sync();
    }),
  remove: (path) => unlink(path),
  syncFolder: async (path) => {
    // Windows opens no folders; there names are on the disk when the file system's own journal says so.
    if (process.platform !== 'win32') await using(path, 'r', (folder) => folder.sync());
  },
};

function logFile(file: FileHandle): LogFile {
  return {
    write: async (bytes) => {
      for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
    },
    sync: () => file.datasync(),
    close: () => file.close(),
  };
}

async function using(path: string, flags: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags);
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

/** @internal The code of a platform's error. */
export function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}
