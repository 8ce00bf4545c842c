import { type MakePolicy, policyOf, twoOf } from './policy.ts';

/** Of two servers the one with fewer calls in flight. Finagle's and Linkerd's default, tower's and Envoy's least request. */
export const p2cLeastLoaded: MakePolicy = policyOf((count, runtime) => {
  const pending = new Array<number>(count).fill(0);
  return {
    pick() {
      const [a, b] = twoOf(count, runtime);
      return pending[a]! < pending[b]! ? a : b;
    },
    started(index) {
      pending[index]!++;
    },
    settled(index) {
      pending[index]!--;
    },
  };
});
