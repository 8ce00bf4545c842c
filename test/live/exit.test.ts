/** Real processes: each ends by itself when nobody waits for anything of ours, and not before. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';

const child = async (code: string): Promise<string> => {
  const source = JSON.stringify(new URL('../../src/live/index.ts', import.meta.url).href);
  const script = `import { derive, live, poll, probe } from ${source};
    process.on('exit', (code) => console.log('exit', code));
    const later = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value).unref());
    ${code}`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { cwd: root },
  );
  return stdout.trim().replaceAll('\n', ' ');
};

test('a process ends beside values that are live, loads that hang, and loops that have not begun', async () => {
  const ends = [
    `const config = live(() => 1, { everyMs: 5, trigger: (fire) => { fire(); } });
     derive(config, String).changes();
     config.changes();`,
    `live(() => new Promise(() => undefined));`,
    `live(() => Promise.reject(new Error('down')), { readyMs: 1 });`,
    `probe(() => new Promise(() => undefined));
     probe(() => true, { everyMs: 5 });`,
    `poll(() => ({ cursor: 0, items: [] }));`,
    `const config = live(() => 1);
     await config.ready;
     config.close();`,
  ];
  expect(await Promise.all(ends.map(child))).toEqual(ends.map(() => 'exit 0'));
});

test('a process stays for who waits: for `ready`, a change, an item, a check', async () => {
  expect(
    await Promise.all([
      child(`console.log(await live(() => later(30, 'ready')).ready);`),
      child(`let count = 0;
             const config = live(async () => ++count, { everyMs: 10 });
             for await (const value of config.changes()) if (value === 3) break;
             console.log('changed');`),
      child(`for await (const item of poll((cursor = 0) => ({ cursor: cursor + 1, items: [cursor] }), { everyMs: 10 }))
               if (item === 3) break;
             console.log('polled');`),
      child(`console.log(await probe(() => later(30)).check());`),
      child(
        `console.log(await live(() => new Promise(() => undefined), { readyMs: 30 }).ready.catch(({ code }) => code));`,
      ),
    ]),
  ).toEqual(['ready exit 0', 'changed exit 0', 'polled exit 0', 'true exit 0', 'DEADLINE_EXCEEDED exit 0']);
});
