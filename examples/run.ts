/** `npm run example -- <name>`: runs an example; without a name it says which there are. */
import { existsSync, readdirSync } from 'node:fs';

const names = readdirSync(new URL('.', import.meta.url)).filter((name) =>
  existsSync(new URL(`${name}/main.ts`, import.meta.url)),
);
/** The others are run as they are; these read the rest of the command line, and refuse what they do not know. */
const withArguments = ['search', 'simulated-partition'];
const [name, ...rest] = process.argv.splice(2); // what is left is as if the example had been started by itself

if (name === undefined || !names.includes(name)) {
  console.error(`npm run example -- <name>, where the name is one of: ${names.join(', ')}`);
  process.exitCode = 2;
} else if (rest.length > 0 && !withArguments.includes(name)) {
  console.error(`unexpected argument: ${rest[0]}; the example ${name} takes none`);
  process.exitCode = 2;
} else {
  process.argv.push(...rest);
  await import(`./${name}/main.ts`);
}
