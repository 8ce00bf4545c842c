/*
 * When pools grow and shrink: small models of what others do, written from their sources and documentation, and ours, which
 * is the library.
 */
import type { Timer } from 'holdfast/core';
import { type ElasticOptions, Scaler } from 'holdfast/queue';
import type { MakeRule, Plant, Worker } from './plant.ts';

/** Runs `fn` again and again until it is closed. */
function every(plant: Plant, ms: number, fn: () => void): () => void {
  let timer: Timer;
  const next = (): void => {
    timer = plant.clock.setTimer(ms, () => {
      fn();
      next();
    });
  };
  next();
  return () => {
    timer.cancel();
  };
}

/** As many as there may be, always. */
const fixedMax: MakeRule = (plant) => {
  plant.resize(plant.max);
  return {};
};

/** A worker more for each job that finds none idle; one that was idle for so long goes. */
const spawnOnBacklog =
  (idleMs: number): MakeRule =>
  (plant) => {
    const leaving = new Set<Timer>();
    return {
      onEnqueue: (stuck) => {
        if (stuck > 0) plant.resize(plant.total + 1);
      },
      onIdle: (worker: Worker) => {
        const sinceMs = worker.idleMs;
        const timer = plant.clock.setTimer(idleMs, () => {
          leaving.delete(timer);
          if (worker.idleMs === sinceMs && plant.total > plant.min) plant.retire(worker);
        });
        leaving.add(timer);
      },
      close: () => {
        for (const timer of leaving) timer.cancel();
      },
    };
  };

/**
 * Celery's autoscaler: the jobs that it holds, at most four for each worker that there may be; looks each second and at each
 * job; goes down only 30 s after it last went up, and not at all when it never did.
 */
const celery: MakeRule = (plant) => {
  let lastUpMs: number | undefined;
  const scale = (): void => {
    const held = Math.min(plant.busy + plant.queued, 4 * plant.max);
    const now = plant.clock.now();
    if (Math.min(held, plant.max) > plant.total) {
      lastUpMs = now;
      plant.resize(held);
    } else if (Math.max(held, plant.min) < plant.total && lastUpMs !== undefined && now - lastUpMs > 30_000) {
      plant.resize(Math.max(held, plant.busy));
    }
  };
  return { onEnqueue: scale, close: every(plant, 1_000, scale) };
};

/**
 * KEDA with the autoscaler of Kubernetes: five jobs for each replica, running ones counted, looked at each 30 s; up by at most
 * as many again or four, not for less than a tenth, down to the most of the last 300 s.
 */
const keda: MakeRule = (plant) => {
  const wanted: { readonly atMs: number; readonly replicas: number }[] = [];
  const close = every(plant, 30_000, () => {
    const now = plant.clock.now();
    const ratio = (plant.busy + plant.queued) / 5 / plant.total;
    const replicas = Math.abs(ratio - 1) <= 0.1 ? plant.total : Math.ceil(ratio * plant.total);
    wanted.push({ atMs: now, replicas });
    while (now - wanted[0]!.atMs > 300_000) wanted.shift();
    if (replicas > plant.total) plant.resize(Math.min(replicas, Math.max(2 * plant.total, plant.total + 4)));
    else plant.resize(Math.min(plant.total, Math.max(...wanted.map((one) => one.replicas), plant.busy)));
  });
  return { close };
};

/** Crawlee's pool: each 10 s a twentieth more when nine in ten are busy; less only when the machine is overloaded, which it never is. */
const crawlee: MakeRule = (plant) => ({
  close: every(plant, 10_000, () => {
    if (plant.busy >= Math.floor(0.9 * plant.total)) plant.resize(plant.total + Math.ceil(0.05 * plant.total));
  }),
});

/** The library, with its defaults but for what is given. */
export const holdfast =
  (elastic?: ElasticOptions): MakeRule =>
  (plant) => {
    const scaler = new Scaler(
      {
        queued: () => plant.queued,
        busy: () => plant.busy,
        // As a pool that has measured it.
        coldStartMs: () => plant.coldMs,
        resize: ({ to }) => {
          plant.resize(to);
        },
      },
      {
        workers: { min: plant.min, max: plant.max },
        elastic,
        runtime: { clock: plant.clock, random: () => 0 },
      },
    );
    return {
      onEnqueue: (stuck) => {
        scaler.onEnqueue(stuck);
      },
      onStart: (atMs) => {
        scaler.onStart(atMs);
      },
      onSettle: (startedMs, endedMs) => {
        scaler.onSettle(startedMs, endedMs);
      },
      close: () => {
        scaler.close();
      },
    };
  };

/** Column → rule. The first is what waits are compared with. */
export const rules: Readonly<Record<string, MakeRule>> = {
  'fixed max': fixedMax,
  'spawn, idle 0': spawnOnBacklog(0),
  'spawn, idle 30 s': spawnOnBacklog(30_000),
  Celery: celery,
  KEDA: keda,
  Crawlee: crawlee,
  holdfast: holdfast(),
};
