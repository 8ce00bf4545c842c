/** The sidecar: asks for new versions, and publishes each as git-sync does: a new folder, and then a link that is flipped. */
import { mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { poll } from 'holdfast/live';

/** The files of a version. Its name is a hash of them, so another content has another name. */
export interface Version {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
}

const [, folder = '', origin = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit()); // never outlives the process that started it
const link = join(folder, 'current');
const published = (): Promise<string | undefined> => readlink(link).catch(() => undefined);

async function publish({ name, files }: Version): Promise<void> {
  const kept = ['current', await published()]; // whoever has followed the link to the old version is still reading it
  for (const old of await readdir(folder))
    if (!kept.includes(old)) await rm(join(folder, old), { recursive: true, force: true }); // also half a version
  await mkdir(join(folder, name));
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, name, file), text);
  await symlink(name, join(folder, 'next'));
  await rename(join(folder, 'next'), link); // in one step: who follows it finds all of the old version or all of the new
}

const versions = poll<Version, string>(
  async (last, signal) => {
    const newest = (await (await fetch(origin, { signal })).json()) as Version;
    return { cursor: newest.name, items: newest.name === last ? [] : [newest] };
  },
  { everyMs: 20, cursor: await published() }, // in earnest every 10 s
);
for await (const version of versions) await publish(version);
