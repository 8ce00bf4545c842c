/** The metrics and spans of the guide, collected by the real SDKs, in virtual time. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Attributes,
  type Meter,
  metrics,
  type Span,
  type SpanStatus,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { DataPointType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { failOnLeaks, seededRandom, VirtualClock } from 'holdfast/testing';
import { Registry } from 'prom-client';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from '../../.ci/subpaths.ts';
import { LoadBalancer, roundRobin } from '../../src/balancing/index.ts';
import { Budget, type Call, hedge, type Layer, retry, shadow } from '../../src/calls/index.ts';
import type { Runtime } from '../../src/core/index.ts';
import { Election, MemoryLeaseStore } from '../../src/election/index.ts';
import { flow, FlowEvents, map, values } from '../../src/flow/index.ts';
import { boundedLoad, HashRing } from '../../src/hashing/index.ts';
import { live, probe } from '../../src/live/index.ts';
import { MemoryQueueStore, Scaler, WorkQueue } from '../../src/queue/index.ts';
import { ThreadPool } from '../../src/queue/pools/threads.ts';
import { type Gathered, scatterGather } from '../../src/scatter/index.ts';
import { ShardRouter } from '../../src/sharding/index.ts';
import { GuideCode } from './guide-code.ts';

interface Reading {
  readonly name: string;
}
type Of = (things: Readonly<Record<string, unknown>>) => readonly Reading[];
interface Readings extends Record<`of${string}`, Of> {
  readonly toOpenTelemetry: (readings: readonly Reading[], meter: Meter) => void;
  readonly toPrometheus: (readings: readonly Reading[], registry: Registry) => void;
}
interface Spans {
  readonly traced: <Req, Res>(name: string) => Layer<Req, Res>;
  readonly tellGathered: (gathered: Gathered<{ readonly id: string }, unknown>) => void;
}

const guide = new GuideCode('docs/guides/telemetry.md');
afterAll(() => guide.close());
class Reader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

const histograms = new Reader();
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [histograms] }));
afterAll(() => metrics.disable());

const readings = await guide.load<Readings>(guide.codeOf('toOpenTelemetry'));
const spans = await guide.load<Spans>(guide.codeOf('traced'));

type Page = Readonly<Record<string, number>>;

const series = (name: string, labels: object): string => {
  const inner = Object.entries(labels).map(([label, value]) => `${label}=${String(value)}`);
  return `${name}{${inner.join()}}`;
};

/** Both SDKs over the same readings. */
function collectors(of: readonly Reading[]): {
  readonly prometheus: () => Promise<Page>;
  readonly openTelemetry: () => Promise<{ readonly page: Page; readonly monotonic: readonly string[]; units: object }>;
} {
  const registry = new Registry();
  readings.toPrometheus(of, registry);
  const reader = new Reader();
  readings.toOpenTelemetry(of, new MeterProvider({ readers: [reader] }).getMeter('holdfast'));
  return {
    async prometheus() {
      const page = await registry.getMetricsAsJSON();
      return Object.fromEntries(
        page.flatMap(({ name, values: samples }) =>
          samples.map(({ labels, value }) => [series(name, labels), value] as const),
        ),
      );
    },
    async openTelemetry() {
      const { resourceMetrics, errors } = await reader.collect();
      expect(errors).toEqual([]);
      const found = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
      return {
        page: Object.fromEntries(
          found.flatMap(({ descriptor, dataPoints }) =>
            dataPoints.map(({ attributes, value }) => [series(descriptor.name, attributes), value as number] as const),
          ),
        ),
        monotonic: found.flatMap((metric) =>
          metric.dataPointType === DataPointType.SUM && metric.isMonotonic ? [metric.descriptor.name] : [],
        ),
        units: Object.fromEntries(found.map(({ descriptor }) => [descriptor.name, descriptor.unit])),
      };
    },
  };
}

/** Prometheus' name of an OpenTelemetry metric, by the rules of its exporter. */
const prometheusName = (name: string, unit: string, monotonic: boolean): string =>
  `${name.replaceAll('.', '_')}${unit === 's' ? '_seconds' : ''}${monotonic ? '_total' : ''}`;

/** What both say, once it is certain that they agree. */
async function agreed(of: readonly Reading[]): Promise<Page> {
  const both = collectors(of);
  const prometheus = await both.prometheus();
  const { page, monotonic, units } = await both.openTelemetry();
  const renamed = Object.entries(page).map(([key, value]) => {
    const [name = '', labels = ''] = key.split('{');
    const unit = (units as Record<string, string>)[name]!;
    return [`${prometheusName(name, unit, monotonic.includes(name))}{${labels}`, value] as const;
  });
  expect(prometheus).toEqual(Object.fromEntries(renamed));
  return prometheus;
}

function virtual(): { readonly clock: VirtualClock; readonly runtime: Runtime } {
  const clock = new VirtualClock();
  return { clock, runtime: { clock, random: seededRandom(1) } };
}

class FailingStore extends MemoryLeaseStore {
  isDown = false;

  override async acquire(...args: Parameters<MemoryLeaseStore['acquire']>): ReturnType<MemoryLeaseStore['acquire']> {
    this.#look();
    return super.acquire(...args);
  }

  override async renew(...args: Parameters<MemoryLeaseStore['renew']>): ReturnType<MemoryLeaseStore['renew']> {
    this.#look();
    return super.renew(...args);
  }

  #look(): void {
    if (this.isDown) throw new Error('down');
  }
}

describe('metrics', () => {
  it('of a queue whose jobs fail, wait and die', async () => {
    const { clock, runtime } = virtual();
    const store = new MemoryQueueStore<string>({ runtime });
    const mail = new WorkQueue<string, string>(
      async (to) => {
        if (to === 'nobody') throw new Error('no such address');
        await clock.sleep(1_000);
        return to;
      },
      { store, runtime, workers: 1, retry: { attempts: 2 } },
    );
    const of = [...readings['ofQueues']!({ mail }), ...readings['ofStores']!({ mail: store })];
    await mail.add('nobody');
    await clock.advance(600_000);
    await mail.add('ann');
    await mail.add('bob');
    await mail.add('cid', { delayMs: 60_000 });
    await clock.advance(500);
    expect(await agreed(of)).toEqual({
      'holdfast_queue_jobs{queue=mail,state=waiting}': 1,
      'holdfast_queue_jobs{queue=mail,state=delayed}': 1,
      'holdfast_queue_jobs{queue=mail,state=leased}': 1,
      'holdfast_queue_jobs{queue=mail,state=dead}': 1,
      'holdfast_queue_workers{queue=mail}': 1,
      'holdfast_queue_active{queue=mail}': 1,
      'holdfast_queue_blocked{queue=mail}': 0,
      'holdfast_queue_paused{queue=mail}': 0,
      'holdfast_queue_accepted_total{queue=mail}': 4,
      'holdfast_queue_done_total{queue=mail}': 0,
      'holdfast_queue_cancelled_total{queue=mail}': 0,
      'holdfast_queue_started_total{queue=mail}': 3,
      'holdfast_queue_retried_total{queue=mail}': 1,
      'holdfast_queue_crashes_total{queue=mail}': 0,
      'holdfast_queue_deaths_total{queue=mail,reason=failed}': 1,
      'holdfast_queue_deaths_total{queue=mail,reason=poison}': 0,
      'holdfast_queue_deaths_total{queue=mail,reason=discarded}': 0,
      'holdfast_queue_deaths_total{queue=mail,reason=expired}': 0,
      'holdfast_queue_troubles_total{queue=mail,kind=stuck}': 0,
      'holdfast_queue_troubles_total{queue=mail,kind=leaseLost}': 0,
      'holdfast_queue_troubles_total{queue=mail,kind=storeError}': 0,
      'holdfast_queue_oldest_seconds{queue=mail}': 0.5,
    });

    await mail.dead.redrive();
    await clock.advance(600_000);
    const later = await agreed(of);
    expect(later['holdfast_queue_deaths_total{queue=mail,reason=failed}'], 'deaths are counted').toBe(2);
    expect(later['holdfast_queue_jobs{queue=mail,state=dead}'], 'the dead are a state').toBe(1);
    expect(later['holdfast_queue_done_total{queue=mail}']).toBe(3);
    await mail.close();
  });

  it('of a queue that is in trouble', async () => {
    const { clock, runtime } = virtual();
    const jobs = new WorkQueue<number, void>(() => clock.sleep(60_000), {
      runtime,
      workers: 1,
      timeoutMs: 100,
      maxQueued: 1,
    });
    const of = readings['ofQueues']!({ jobs });
    await jobs.add(1);
    await jobs.add(2);
    const blocked = jobs.add(3);
    await clock.advance(5_200);
    const page = await agreed(of);
    expect(page['holdfast_queue_troubles_total{queue=jobs,kind=stuck}']).toBe(1);
    expect(page['holdfast_queue_blocked{queue=jobs}']).toBe(1);
    blocked.catch(() => undefined);
    const closed = jobs.close({ graceMs: 0 });
    await clock.advance(120_000);
    await closed;
  });

  it('of a balancer that ejects a member, and of one that has left', async () => {
    const { clock, runtime } = virtual();
    const search = new LoadBalancer(['a', 'b', 'c', 'd'], { cost: roundRobin(), runtime });
    const of = readings['ofBalancers']!({ search });
    const both = collectors(of);
    for (let i = 0; i < 200; i++) {
      const call = search.run(async (member) => {
        await clock.sleep(10);
        if (member === 'a') throw new Error('down');
      });
      call.catch(() => undefined);
      await clock.advance(20);
    }
    const page = await agreed(of);
    expect(page['holdfast_balancer_members{balancer=search}']).toBe(4);
    expect(page['holdfast_balancer_healthy{balancer=search}']).toBe(3);
    expect(page['holdfast_balancer_panic{balancer=search}']).toBe(0);
    expect(page['holdfast_balancer_ejections_total{balancer=search,why=consecutive}']).toBeGreaterThanOrEqual(1);
    expect(Object.keys(page).join(), 'a cost that knows no latency').not.toContain('latency');
    expect(page['holdfast_balancer_pending{balancer=search,member=d}']).toBe(0);
    await both.prometheus();
    search.update(['b', 'c']);
    const left = Object.keys(await both.prometheus()).filter((key) => key.includes('member='));
    expect(left).toEqual(['b', 'c'].map((id) => `holdfast_balancer_pending{balancer=search,member=${id}}`));
    search.close();
  });

  it('of a balancer that goes by latency', async () => {
    const { clock, runtime } = virtual();
    const search = new LoadBalancer(['a'], { runtime });
    const call = search.run(() => clock.sleep(10));
    await clock.advance(10);
    await call;
    const page = await agreed(readings['ofBalancers']!({ search }));
    expect(page['holdfast_balancer_latency_seconds{balancer=search,member=a}']).toBeCloseTo(0.01, 6);
    search.close();
  });

  it('of a budget and a shadow', async () => {
    const { clock, runtime } = virtual();
    const budget = new Budget({ ratio: 0.1, minPerSecond: 0, runtime });
    const down: Call<number, number> = async () => {
      throw new Error('down');
    };
    const tried = retry(down, { attempts: 2, budget, runtime });
    for (let i = 0; i < 20; i++) {
      tried(i).catch(() => undefined);
      await clock.advance(10_000 / 1_000);
    }
    await clock.advance(1_000);
    const mirrored = shadow(async (n: number) => n, { to: down, runtime });
    const page = await agreed([
      ...readings['ofBudgets']!({ db: budget }),
      ...readings['ofShadows']!({ next: mirrored }),
    ]);
    expect(page['holdfast_budget_originals{budget=db}']).toBe(20);
    expect(page['holdfast_budget_extras{budget=db}']).toBe(2);
    expect(page['holdfast_budget_refused_total{budget=db}']).toBeGreaterThan(0);
    expect(page['holdfast_shadow_copies_total{shadow=next,outcome=ok}']).toBe(0);
  });

  it('of an election that is won and lost', async () => {
    const { clock, runtime } = virtual();
    const store = new FailingStore({ runtime });
    const election = new Election(store, { name: 'compaction', id: 'a', runtime });
    const of = readings['ofElections']!({ compaction: election });
    const body = election.run((term) => new Promise((resolve) => term.signal.addEventListener('abort', resolve)));
    await clock.advance(60_000);
    const leading = await agreed(of);
    expect(leading['holdfast_election_leading{election=compaction}']).toBe(1);
    expect(leading['holdfast_election_remaining_seconds{election=compaction}'], 'as the guide says').toBeGreaterThan(5);
    expect(leading['holdfast_election_overdue{election=compaction}']).toBe(0);
    expect(leading['holdfast_election_terms_total{election=compaction,event=elected}']).toBe(1);
    store.isDown = true;
    await clock.advance(5_500);
    expect((await agreed(of))['holdfast_election_remaining_seconds{election=compaction}']).toBeLessThan(5);
    await clock.advance(4_000);
    const lost = await agreed(of);
    expect(lost['holdfast_election_losses_total{election=compaction,reason=expired}']).toBe(1);
    const closed = election.close();
    await clock.advance(60_000);
    await Promise.all([closed, body]);
  });

  it('of live values, flows and routers', async () => {
    const { clock, runtime } = virtual();
    let down = false;
    const config = live(
      async () => {
        if (down) throw new Error('down');
        return 1;
      },
      { runtime, everyMs: 1_000 },
    );
    await clock.advance(10);
    down = true;
    await clock.advance(60_000);
    const events = new FlowEvents();
    const refuse = (): never => {
      throw new Error('refused');
    };
    const of = [
      ...readings['ofLive']!({ config }),
      ...readings['ofFlows']!({ media: events }),
      ...readings['ofRouters']!({
        cache: new ShardRouter(new HashRing(['a', 'b']), { replication: { targetRate: 100 }, runtime }),
      }),
    ];
    for await (const value of values(map(flow([1, 2, 3]), refuse, { events }))) expect.unreachable(String(value));
    const page = await agreed(of);
    expect(page['holdfast_live_stale{value=config}']).toBe(1);
    expect(page['holdfast_live_age_seconds{value=config}']).toBeGreaterThan(59);
    expect(page['holdfast_live_changes_total{value=config}']).toBe(1);
    expect(page['holdfast_flow_troubles_total{flow=media,kind=failed}']).toBe(3);
    expect(page['holdfast_router_hot_keys{router=cache}']).toBe(0);
    expect(page['holdfast_router_reads_per_second{router=cache,node=a}']).toBe(0);
    config.close();
  });

  it('of scalers, pools, probes and bounded loads', async () => {
    const { clock, runtime } = virtual();
    const scaler = new Scaler(
      { queued: () => 3, busy: () => 0, coldStartMs: () => 0, resize: () => undefined },
      { workers: { min: 1, max: 8 }, runtime },
    );
    scaler.onEnqueue(3);
    const pool = new ThreadPool<never, unknown>({ filename: new URL('./no-such-handler.js', import.meta.url) });
    const up = probe(async () => undefined, { runtime });
    const bounded = boundedLoad(new HashRing(['a']));
    const lease = bounded.acquire('key');
    await clock.advance(1);
    const page = await agreed([
      ...readings['ofScalers']!({ scaler }),
      ...readings['ofPools']!({ pool }),
      ...readings['ofProbes']!({ up }),
      ...readings['ofBounded']!({ bounded }),
    ]);
    expect(page).toEqual({
      'holdfast_scaler_workers{scaler=scaler}': 2,
      'holdfast_scaler_want{scaler=scaler}': expect.any(Number) as number,
      'holdfast_scaler_load{scaler=scaler}': expect.any(Number) as number,
      'holdfast_scaler_changes_total{scaler=scaler,reason=backlog}': 1,
      'holdfast_scaler_changes_total{scaler=scaler,reason=rate}': 0,
      'holdfast_scaler_changes_total{scaler=scaler,reason=bounds}': 0,
      'holdfast_scaler_changes_total{scaler=scaler,reason=idle}': 0,
      'holdfast_scaler_changes_total{scaler=scaler,reason=guard}': 0,
      'holdfast_pool_size{pool=pool}': 0,
      'holdfast_pool_busy{pool=pool}': 0,
      'holdfast_pool_degraded{pool=pool}': 0,
      'holdfast_pool_replaced_total{pool=pool,event=lost}': 0,
      'holdfast_pool_replaced_total{pool=pool,event=recycled}': 0,
      'holdfast_probe_up{probe=up}': 1,
      'holdfast_bounded_in_flight{bounded=bounded,node=a}': 1,
    });
    lease.release();
    up.close();
    scaler.close();
    await pool.close({ graceMs: 0 });
  });

  it('fail with the store that is asked: a page of Prometheus as a whole, one of OpenTelemetry without it', async () => {
    const store = { counts: () => Promise.reject(new Error('down')) };
    const queue = new WorkQueue(async (n: number) => n);
    const of = [...readings['ofQueues']!({ queue }), ...readings['ofStores']!({ queue: store })];
    const registry = new Registry();
    readings.toPrometheus(of, registry);
    await expect(registry.metrics()).rejects.toThrow('down');
    const reader = new Reader();
    readings.toOpenTelemetry(of, new MeterProvider({ readers: [reader] }).getMeter('holdfast'));
    const { resourceMetrics, errors } = await reader.collect();
    expect(errors).toHaveLength(1);
    expect(resourceMetrics.scopeMetrics[0]!.metrics.length).toBeGreaterThan(10);
    await queue.close();
  });

  it('are as many after a thousand jobs as after one, and leave nothing behind', async () => {
    const { clock } = virtual();
    await failOnLeaks(
      async ({ runtime }) => {
        const queue = new WorkQueue(async (n: number) => n, { runtime, workers: 4 });
        const both = collectors(readings['ofQueues']!({ queue }));
        await queue.run(0);
        const before = Object.keys(await both.prometheus());
        for (let i = 0; i < 1_000; i++) await queue.add(i, { id: `job ${String(i)}`, key: `key ${String(i)}` });
        await queue.onIdle();
        expect(Object.keys(await both.prometheus())).toEqual(before);
        const closed = queue.close();
        await clock.advance(60_000);
        await closed;
        await both.openTelemetry();
      },
      { clock },
    );
  });

  it('that the guide alerts on exist', () => {
    const names = Object.entries(readings)
      .filter(([name]) => name.startsWith('of'))
      .flatMap(([, of]) => (of as Of)({}) as readonly (Reading & { unit: string; counter?: boolean })[])
      .map(({ name, unit, counter = false }) => prometheusName(name, unit, counter));
    const text = readFileSync(join(root, 'docs/guides/telemetry.md'), 'utf8');
    const alerts = text.split('### What to wake somebody for')[1]!.split('\n## ')[0]!;
    const asked = new Set(alerts.match(/holdfast_\w+/g));
    expect(asked.size).toBeGreaterThan(10);
    expect([...asked].filter((name) => !names.includes(name))).toEqual([]);
  });
});

/** Keeps what spans are told; only what the guide uses. */
class Recorded {
  readonly attributes: Record<string, unknown>;
  readonly events: [name: string, attributes: unknown][] = [];
  status: SpanStatus | undefined;
  ended = false;

  constructor(attributes: Attributes = {}) {
    this.attributes = { ...attributes };
  }
  setAttribute(name: string, value: unknown): void {
    this.attributes[name] = value;
  }
  setStatus(status: SpanStatus): void {
    this.status = status;
  }
  addEvent(name: string, attributes: unknown): void {
    this.events.push([name, attributes]);
  }
  end(): void {
    this.ended = true;
  }
}

describe('spans', () => {
  const recorded: Recorded[] = [];
  const tracer = {
    startActiveSpan: (_: string, { attributes }: { attributes: Attributes }, body: (span: Recorded) => unknown) => {
      const span = new Recorded(attributes);
      recorded.push(span);
      return body(span);
    },
  } as unknown as Tracer;
  trace.setGlobalTracerProvider({ getTracer: () => tracer });
  afterAll(() => trace.disable());

  it('of a hedge: both attempts, why each was made, and that the slow one was called off and has not failed', async () => {
    const { clock, runtime } = virtual();
    let calls = 0;
    const lookup: Call<string, string> = async (key, options) => {
      await clock.sleep(++calls === 1 ? 1_000 : 5, options?.signal);
      return key;
    };
    const price = hedge(spans.traced<string, string>('price')(lookup), { after: 20, runtime });
    recorded.length = 0;
    const answer = price('tea');
    await clock.advance(30);
    expect(await answer).toBe('tea');
    expect(recorded.map(({ attributes, status, ended }) => ({ attributes, status, ended }))).toEqual([
      {
        attributes: { 'holdfast.attempt': 1, 'holdfast.cause': 'original', 'holdfast.called_off': true },
        status: undefined,
        ended: true,
      },
      { attributes: { 'holdfast.attempt': 2, 'holdfast.cause': 'hedge' }, status: undefined, ended: true },
    ]);
  });

  it('of a scatter: what it is without', async () => {
    const { clock, runtime } = virtual();
    const span = new Recorded();
    const active = trace.getActiveSpan;
    trace.getActiveSpan = () => span as unknown as Span;
    try {
      const gathering = scatterGather(
        [{ id: 'a' }, { id: 'b' }],
        async ({ id }, { signal }) => {
          await clock.sleep(id === 'a' ? 1 : 1_000, signal);
          return id;
        },
        { deadline: 50, require: 'any', runtime },
      );
      await clock.advance(100);
      spans.tellGathered(await gathering);
    } finally {
      trace.getActiveSpan = active;
    }
    expect(span.attributes).toEqual({ 'holdfast.coverage': 0.5 });
    const { resourceMetrics } = await histograms.collect();
    const coverage = resourceMetrics.scopeMetrics[0]!.metrics[0]!;
    expect(coverage.descriptor.name).toBe('holdfast.scatter.coverage');
    expect(coverage.dataPoints[0]!.value).toMatchObject({ count: 1, sum: 0.5 });
    expect(span.events).toMatchObject([['holdfast.leaf', { target: 'b', attempts: 1 }]]);
  });
});
