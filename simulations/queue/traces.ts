import { type Latency, latency, type SeededRandom, seededRandom } from 'holdfast/testing';

/** Jobs of a run: when each becomes ready, ascending, and how long it takes, in milliseconds. */
export interface Jobs {
  readonly atMs: Float64Array;
  readonly serviceMs: Float64Array;
}

/** How jobs come. */
export interface Trace {
  readonly name: string;
  readonly title: string;
  /** For the report. */
  readonly text: string;
  readonly durationMs: number;
  /** How many workers the busiest time keeps busy; absent where that is a burst, which any number would serve sooner. */
  readonly peakLoad?: number;
  /** When a burst comes: how long that takes to be done is measured from there. */
  readonly burstMs?: number;
  readonly jobs: (seed: number) => Jobs;
}

/** Jobs do not slow each other down. */
const alone = { inFlight: 1, sinceMs: 0 };

/** Poisson arrivals of a rate that changes, by thinning those of its greatest. */
function poisson(
  random: SeededRandom,
  perSecond: (atMs: number) => number,
  most: number,
  durationMs: number,
): number[] {
  const atMs: number[] = [];
  const between = latency.exponential(1_000 / most);
  const gap = (): number => between(random, alone);
  for (let t = gap(); t < durationMs; t += gap()) {
    if (random() * most < perSecond(t)) atMs.push(t);
  }
  return atMs;
}

interface Plan {
  readonly durationMs: number;
  readonly perSecond: (atMs: number) => number;
  readonly most: number;
  readonly service: Latency;
  readonly burst?: { readonly atMs: number; readonly count: number };
}

const jobsOf =
  ({ durationMs, perSecond, most, service, burst }: Plan) =>
  (seed: number): Jobs => {
    const random = seededRandom(seed);
    const at = poisson(random.stream('arrivals'), perSecond, most, durationMs);
    if (burst !== undefined) at.push(...Array.from({ length: burst.count }, () => burst.atMs));
    const atMs = Float64Array.from(at).sort();
    const length = random.stream('service');
    return { atMs, serviceMs: atMs.map(() => service(length, alone)) };
  };

const steadily = (perSecond: number): Pick<Plan, 'perSecond' | 'most'> => ({
  perSecond: () => perSecond,
  most: perSecond,
});

const minute = 60_000;

export const traces: readonly Trace[] = [
  {
    name: 'steady',
    title: 'Steady',
    text: '20 jobs a second (Poisson) of 0.5 s (exponential), for 10 minutes: 10 workers are busy',
    durationMs: 10 * minute,
    peakLoad: 10,
    jobs: jobsOf({ durationMs: 10 * minute, ...steadily(20), service: latency.exponential(500) }),
  },
  {
    name: 'burst',
    title: 'A burst',
    text: 'a job a second (Poisson) for 4 minutes, and after 10 s 2,000 at once; 0.5 s each (exponential)',
    durationMs: 4 * minute,
    burstMs: 10_000,
    jobs: jobsOf({
      durationMs: 4 * minute,
      ...steadily(1),
      service: latency.exponential(500),
      burst: { atMs: 10_000, count: 2_000 },
    }),
  },
  {
    name: 'on-off',
    title: 'On and off',
    text: '60 jobs a second (Poisson) of 0.3 s (exponential) for 5 s, nothing for 5 s, and so on for 10 minutes: 18 workers are busy, or none',
    durationMs: 10 * minute,
    peakLoad: 18,
    jobs: jobsOf({
      durationMs: 10 * minute,
      perSecond: (atMs) => (atMs % 10_000 < 5_000 ? 60 : 0),
      most: 60,
      service: latency.exponential(300),
    }),
  },
  {
    name: 'heavy-tail',
    title: 'A heavy tail',
    text: '20 jobs a second (Poisson) of 0.7 s on average (lognormal, σ 1.8: half take 0.14 s or less, one in a hundred 9 s or more), for 10 minutes: 14 workers are busy',
    durationMs: 10 * minute,
    peakLoad: 14,
    jobs: jobsOf({
      durationMs: 10 * minute,
      ...steadily(20),
      service: latency.logNormal(700 * Math.exp(-(1.8 ** 2) / 2), 1.8),
    }),
  },
  {
    name: 'tiny',
    title: 'Tiny jobs',
    text: '1,500 jobs a second (Poisson) of 2 ms (exponential), for a minute: 3 workers are busy',
    durationMs: minute,
    peakLoad: 3,
    jobs: jobsOf({ durationMs: minute, ...steadily(1_500), service: latency.exponential(2) }),
  },
  {
    name: 'diurnal',
    title: 'Days and nights',
    text: 'from 2 to 40 jobs a second and back, as a sine of 400 s, twice (Poisson); 1/3 s each (exponential): 1 to 13 workers are busy',
    durationMs: 800_000,
    peakLoad: 40 / 3,
    jobs: jobsOf({
      durationMs: 800_000,
      perSecond: (atMs) => 21 - 19 * Math.cos((2 * Math.PI * atMs) / 400_000),
      most: 40,
      service: latency.exponential(1_000 / 3),
    }),
  },
];
