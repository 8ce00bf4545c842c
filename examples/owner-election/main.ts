/** Three processes, one owner at a time: one is killed, the next stands still, and the third finishes the work. */
import { setTimeout as sleep } from 'node:timers/promises';
import { example } from '../support/example.ts';
import { serve } from '../support/http.ts';
import { Processes } from '../support/processes.ts';
import type { Message } from './candidate-process.ts';
import { Table } from './table.ts';

const segments = 10;

await example(async ({ say, check, defer, makeFolder }) => {
  const folder = await makeFolder();
  const table = new Table(segments, 300);
  const server = await serve('table', table.serve);
  defer(() => server.close());
  const candidates = new Processes<Message>();
  defer(() => candidates.close());
  const secondsSince = (ms: number): string => ((performance.now() - ms) / 1_000).toFixed(1);
  for (const id of ['ann', 'bob', 'cat'])
    candidates.start(id, new URL('candidate-process.ts', import.meta.url), folder, server.url);

  const first = await candidates.next('elected');
  say(`${first.by} leads, with token ${first.token}`);
  let owner = first.by;
  while (table.writes.length < 2) owner = (await candidates.next('compacting')).by;
  candidates.signal(owner, 'SIGKILL');
  say(`${owner} is killed after ${table.writes.length} of ${segments} segments`);
  const killedMs = performance.now();
  const second = await candidates.next('elected', { not: owner });
  say(`${second.by} leads ${secondsSince(killedMs)} s later, with token ${second.token}`);

  for (;;) {
    const { by, segment } = await candidates.next('compacting');
    owner = by;
    candidates.signal(owner, 'SIGSTOP');
    await sleep(50); // what it had sent before has arrived
    if (!table.has(segment)) break; // it stands between its check and its write
    candidates.signal(owner, 'SIGCONT'); // too late: at the next segment, then
  }
  const frozen = owner;
  say(`${frozen} is frozen, between its check and its write`);
  const frozenMs = performance.now();
  const third = await candidates.next('elected', { not: frozen });
  say(`${third.by} leads ${secondsSince(frozenMs)} s later, with token ${third.token}`);
  const written = table.writes.length;
  while (table.writes.length === written) await candidates.next('compacting');
  candidates.signal(frozen, 'SIGCONT');
  const { reason } = await candidates.next('lost', { by: frozen });
  say(`${frozen} is woken: it has lost its term (${reason}), but its write is under way`);

  const ends = await candidates.ended(); // the work is done: who is elected now finds none, and ends
  const [late] = table.refused;
  check(late !== undefined, `the table refused the late write of ${frozen}, token ${String(late)}`);
  const compacted = new Set(table.writes.map(({ segment }) => segment)).size;
  const each = compacted === segments && table.writes.length === segments;
  check(each, `${compacted} of ${segments} segments compacted, each once`);
  const tokens = table.writes.map(({ token }) => token);
  const rising = tokens.every((token, i) => i === 0 || token >= tokens[i - 1]!);
  check(rising, `the tokens of its writes never fell: ${[...new Set(tokens)].join(', ')}`);
  const clean = ends.filter((end) => end === '0').length;
  check(clean === 2 && ends.includes('SIGKILL'), `${clean} processes ended by themselves, one was killed`);
});
