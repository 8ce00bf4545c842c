import type { Cost } from './cost.ts';

/**
 * Members take turns, by weight: of as many calls in a row as the weights sum up to (integers that do not change), each member
 * gets its weight. That is exact while every member is looked at (up to 16, or with `choices: 'all'`), has answered and is
 * healthy. Blind to everything else.
 *
 * A member that has been out for a while is not given what it missed. Each starts at a phase of its own, drawn by chance, so
 * that many clients do not begin with the same member.
 *
 * Source: stride scheduling, C. Waldspurger, W. Weihl (1995).
 *
 * @example
 * ```ts
 * import { LoadBalancer, roundRobin } from 'holdfast/balancing';
 *
 * const pool = new LoadBalancer([{ id: 'a', weight: 2 }, { id: 'b' }], { cost: roundRobin() });
 * const taken: string[] = [];
 * for (let i = 0; i < 300; i++) await pool.run(({ id }) => taken.push(id));
 * taken.filter((id) => id === 'b').length // => 100
 * ```
 */
export function roundRobin(): Cost {
  return ({ random }) => {
    /** When, in turns, the last call was taken. */
    let last = 0;
    return (member) => {
      let turn = last + random() / member.weight;
      return {
        cost: () => Math.max(last, turn),
        started() {
          last = Math.max(last, turn);
          turn = last + 1 / member.weight;
        },
      };
    };
  };
}
