/** `npm run example -- <name>`: runs an example; without a name it says which there are. */
import { readdirSync } from 'node:fs';

const names = readdirSync(new URL('.', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'support')
  .map(({ name }) => name);
const name = process.argv[2];

if (name !== undefined && names.includes(name)) await import(`./${name}/main.ts`);
else {
  console.error(`npm run example -- <name>, where the name is one of: ${names.join(', ')}`);
  process.exitCode = 2;
}
