import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from './user-error.ts';
import { tokenise } from './words.ts';

/** A text to be found. */
export interface Document {
  /** Its path below the folder that was read, with `/` on every platform. */
  readonly id: string;
  readonly text: string;
}

/** What a folder held. */
export interface Library {
  /** In the order of their ids. */
  readonly documents: readonly Document[];
  /** Ids of files that hold no word, are not text, or could not be read. */
  readonly skipped: readonly string[];
  /** Whether there was more than the limits allow. */
  readonly truncated: boolean;
}

/** Which files of a folder are documents. */
export type Selection = 'readmes' | 'texts';

const selections: Readonly<Record<Selection, RegExp>> = {
  readmes: /^readme(?:\.(?:md|markdown|mdown|txt|rst|adoc))?$/i,
  texts: /^(?:readme|.+\.(?:md|markdown|mdown|txt|rst|adoc))$/i,
};

/** Where the documents are. */
export interface Source {
  readonly folder: string;
  readonly selection: Selection;
}

/** Bounds of memory and time: the rest of a longer document is not searched, documents beyond the limits are left out. */
const limits = { bytesOfDocument: 256 * 1024, documents: 20_000, bytesOfAll: 128 * 1024 * 1024 };
const readAtOnce = 16;

/**
 * Reads the documents of a folder and of the folders in it.
 *
 * Symbolic links are not followed: what they lead to is either found where it is, or outside of what was asked for.
 * Hidden folders are passed over, but for the one in which pnpm keeps the packages.
 *
 * @throws {@link UserError} when there is no such folder, or no document in it
 */
export async function readLibrary(folder: string, selection: Selection): Promise<Library> {
  await checkFolder(folder);
  const ids = (await findFiles(folder, selections[selection])).sort();
  const documents: Document[] = [];
  const skipped: string[] = [];
  let bytes = 0;
  let next = 0;
  while (next < ids.length && documents.length < limits.documents && bytes < limits.bytesOfAll) {
    const group = ids.slice(next, next + readAtOnce);
    next += group.length;
    const texts = await Promise.all(group.map((id) => readText(join(folder, id)).catch(() => '')));
    for (const [index, id] of group.entries()) {
      const text = texts[index]!;
      bytes += text.length;
      if (tokenise(text).length === 0) skipped.push(id);
      else documents.push({ id, text });
    }
  }
  if (documents.length === 0) throw new UserError(`no documents in ${folder}`);
  return { documents, skipped, truncated: next < ids.length };
}

async function checkFolder(folder: string): Promise<void> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(folder)).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(code === 'ENOENT' ? `no such folder: ${folder}` : `cannot read ${folder}: ${String(code)}`);
  }
  if (!isFolder) throw new UserError(`not a folder: ${folder}`);
}

/** The paths below `root` of all files whose name matches. A folder that cannot be read counts as empty. */
async function findFiles(root: string, name: RegExp): Promise<string[]> {
  const found: string[] = [];
  const open = [''];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const entries = await readdir(join(root, path), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const id = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory() && (!entry.name.startsWith('.') || entry.name === '.pnpm')) open.push(id);
      else if (entry.isFile() && name.test(entry.name)) found.push(id);
    }
  }
  return found;
}

/** The beginning of a file as text; empty when it is none. */
async function readText(path: string): Promise<string> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(limits.bytesOfDocument);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const text = new TextDecoder().decode(buffer.subarray(0, bytesRead));
    return text.includes('\0') ? '' : text;
  } finally {
    await file.close();
  }
}
