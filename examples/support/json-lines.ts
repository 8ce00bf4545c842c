/** A file of JSON lines that loses nothing and repeats nothing, whenever its writer is killed. */
import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Lines in a file, and a cursor beside it that outlives the file when somebody takes that away. */
export interface JsonLines<T> {
  /** The last line that was written; undefined: there is none yet. */
  readonly last: T | undefined;
  readonly write: (line: T) => Promise<void>;
}

interface Cursor<T> {
  readonly last?: T;
  /** How much of the file was written then. */
  readonly bytes: number;
}

/** Opens `<name>.jsonl` in a folder, and `<name>.cursor` beside it, for one writer. Against a loss of power, sync both. */
export async function openJsonLines<T>(folder: string, name: string): Promise<JsonLines<T>> {
  const [path, cursorPath] = [join(folder, `${name}.jsonl`), join(folder, `${name}.cursor`)];
  const saved = await readFile(cursorPath, 'utf8').catch(() => '{"bytes":0}');
  const cursor = JSON.parse(saved) as Cursor<T>;
  const file = await open(path, 'a+');
  const text = await readFile(path);
  let bytes = text.lastIndexOf('\n') + 1;
  await file.truncate(bytes); // half a line: it was killed while it wrote
  // Whole lines that the cursor does not know of: it was killed between a line and its cursor.
  const after = text.toString('utf8', cursor.bytes <= bytes ? cursor.bytes : 0, bytes);
  const newest = after.split('\n').at(-2);
  return {
    last: newest === undefined ? cursor.last : (JSON.parse(newest) as T),
    write: async (line) => {
      bytes += (await file.write(`${JSON.stringify(line)}\n`)).bytesWritten;
      await writeFile(`${cursorPath}.new`, JSON.stringify({ last: line, bytes } satisfies Cursor<T>));
      await rename(`${cursorPath}.new`, cursorPath); // in one step: it is the old one or the new one, and never half
    },
  };
}
