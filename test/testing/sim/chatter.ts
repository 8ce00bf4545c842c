import type { Sim, SimEnv, SimNode } from 'holdfast/testing';

/** A message that was heard. */
export interface Heard {
  readonly by: string;
  readonly incarnation: number;
  readonly from: string;
  readonly n: number;
  readonly sentMs: number;
  readonly atMs: number;
}

/** A message. */
export interface Said {
  readonly n: number;
  readonly sentMs: number;
}

/** Nodes that each say something to each other one every so often, numbered, and what they have heard. */
export const chatter = (sim: Sim, names: readonly string[], everyMs: number, untilMs: number) => {
  const heard: Heard[] = [];
  const said: (Said & { readonly from: string; readonly to: string })[] = [];
  const nodes: SimNode[] = names.map((name) =>
    sim.node(name, (env: SimEnv<Said>) => {
      const { clock } = env.runtime;
      env.onMessage(({ n, sentMs }, from) => {
        heard.push({ by: name, incarnation: env.incarnation, from, n, sentMs, atMs: sim.nowMs });
      });
      let n = 0;
      const say = (): void => {
        if (sim.nowMs > untilMs) return;
        n++;
        for (const to of names) {
          if (to === name) continue;
          said.push({ n, sentMs: sim.nowMs, from: name, to });
          env.send(to, { n, sentMs: sim.nowMs });
        }
        clock.setTimer(everyMs, say);
      };
      clock.setTimer(everyMs, say);
    }),
  );
  return { heard, said, nodes };
};
