/** `npm run example -- <name>`: runs an example; without a name it says which there are. */
import { existsSync, readdirSync } from 'node:fs';

const names = readdirSync(new URL('.', import.meta.url)).filter((name) =>
  existsSync(new URL(`${name}/main.ts`, import.meta.url)),
);
const name = process.argv[2];

if (name !== undefined && names.includes(name)) await import(`./${name}/main.ts`);
else {
  console.error(`npm run example -- <name>, where the name is one of: ${names.join(', ')}`);
  process.exitCode = 2;
}
