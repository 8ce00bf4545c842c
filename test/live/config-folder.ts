/** A folder as Kubernetes mounts a ConfigMap: files behind a link `..data` that is swapped as a whole. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory where there is such a file system: a disk may not do a thousand swaps a second. */
const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export class ConfigFolder implements Disposable {
  readonly path: string = mkdtempSync(join(place, 'holdfast-live-'));
  #last: string | undefined;
  #swaps = 0;

  /** Publishes files as the kubelet does: a new folder, then one rename, then the old folder goes. */
  swap(files: Readonly<Record<string, string>>): void {
    const folder = join(this.path, `..${String(++this.#swaps)}`);
    mkdirSync(folder);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    symlinkSync(folder, join(this.path, '..data_tmp'));
    renameSync(join(this.path, '..data_tmp'), join(this.path, '..data'));
    if (this.#last === undefined) {
      for (const name of Object.keys(files)) symlinkSync(join('..data', name), join(this.path, name));
    } else rmSync(this.#last, { recursive: true });
    this.#last = folder;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Reads several files as one snapshot: the link is followed once. */
export async function readSnapshot(folder: string, names: readonly string[], signal: AbortSignal): Promise<string[]> {
  const version = await realpath(join(folder, '..data'));
  return await Promise.all(names.map((name) => readFile(join(version, name), { encoding: 'utf8', signal })));
}
