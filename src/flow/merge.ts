import { check, having, readOptions } from '../core/options.ts';
import { type Runtime } from '../core/runtime.ts';
import { Turns } from '../core/turns.ts';
import type { Delivery, Flow } from './delivery.ts';
import { flowRule, type Intake, intakeOf } from './intake.ts';
import { flowOf } from './port.ts';

/** Options of {@link merge}. */
export interface MergeOptions {
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** What a flow is of. */
export type FlowValue<F> = F extends Flow<infer T> ? T : never;

/**
 * The merger: several flows as one, in the order in which deliveries come.
 */
export function merge<const F extends readonly Flow<unknown>[]>(...flows: F): Flow<FlowValue<F[number]>>;
export function merge<const F extends readonly Flow<unknown>[]>(
  ...flows: readonly [...F, MergeOptions]
): Flow<FlowValue<F[number]>>;
export function merge(...flows: readonly unknown[]): Flow<unknown> {
  const last: unknown = flows.at(-1);
  const sources = (last === undefined || flowRule.accepts(last) ? flows : flows.slice(0, -1)) as Flow<unknown>[];
  const options = sources.length === flows.length ? undefined : last;
  const { runtime } = readOptions('merge', options, { runtime: having<Runtime>('a { clock, random } runtime') });
  for (const source of sources) check('a flow', source, flowRule);
  return flowOf<unknown>((port) => {
    const turns = new Turns(runtime?.clock);
    let open = sources.length;
    const pull = (): void => {
      if (port.hungry) for (const intake of intakes) intake.pull();
    };
    const close = (): void => {
      for (const intake of intakes) intake.close();
    };
    const intakes: Intake<Delivery<unknown>>[] = sources.map((source) =>
      intakeOf(source, {
        take(delivery) {
          port.give(delivery);
          if (port.hungry) turns.run(pull);
        },
        end(failure) {
          if (failure !== undefined) close();
          if (failure !== undefined || --open === 0) port.end(failure);
        },
      }),
    );
    if (open === 0) port.end();
    return {
      want() {
        if (port.hungry) turns.run(pull);
      },
      leave: close,
    };
  });
}
