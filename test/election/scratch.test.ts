import { it } from 'vitest';
import { timingFrom } from '../../src/election/rules.ts';
import { drawTrouble, runCluster, type Seen } from './support/machine-cluster.ts';

it('scratch', () => {
  const limits = { minTtlMs: 1, stepMs: 1 };
  const t0 = performance.now();
  const moves: Record<string, number> = {};
  let bad = 0, events = 0, calls = 0, most = 0, worst = 0, elections = 0;
  const N = Number(process.env['N'] ?? 200);
  for (let seed = 1; seed <= N; seed++) {
    const ttlMs = [3_000, 6_000, 10_000][seed % 3]!;
    const timing = timingFrom({ ttlMs, guardMs: seed % 5 === 0 ? 0 : undefined, lockDelayMs: seed % 7 === 0 ? 500 : 0 }, limits);
    const seen: Seen = runCluster({ seed, ids: ['a', 'b', 'c'], expiry: seed % 2 ? 'server' : 'observer', timing, maxDrift: 0.01,
      trouble: drawTrouble(seed, timing), troubledMs: 900_000, calmMs: 100_000, watch: ([undefined, 'writes', 'hands'] as const)[seed % 4 % 3], stopMs: 500 });
    if (seen.violations.length) { bad++; if (bad < 15) console.log(seen.violations[0], drawTrouble(seed, timing).amnesia); }
    const bound = ttlMs * 1.01 / .99 + Math.min(500, ttlMs / 20) + 2 * (timing.requestMs + 1000) + 1.5 * ttlMs + 500 + 2 * timing.spreadMs + (timing.renewMs)*1.1;
    if (!(seen.leaderlessMs <= bound) && !seen.violations.length) console.log('late', seed, seen.leaderlessMs, bound);
    if (seen.changes > 0 && !seen.violations.length) console.log('changes', seed, seen.changes);
    worst = Math.max(worst, seen.leaderlessMs / ttlMs);
    events += seen.events; calls += seen.calls; elections += seen.elections;
    if (seen.mostCalls > most) { most = seen.mostCalls; console.log('most calls', seed, most); }
    for (const [k, v] of Object.entries(seen.moves)) moves[k] = (moves[k] ?? 0) + v;
  }
  console.log({ bad, N, s: (performance.now() - t0) / 1000, events, calls, most, worst, elections }, moves);
});
