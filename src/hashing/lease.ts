/** A node that was taken for one request; it counts as busy until the lease is released. */
export interface Lease<N> extends Disposable {
  /** The node, as it was when the lease was given. */
  readonly node: N;
  /** Its place in the key's order of preference: 0 is the owner. */
  readonly rank: number;
  /** The request is over. Idempotent, and right also when the node has left in the meantime. */
  release(): void;
}

/** @internal A lease that calls `end` once. */
export function leaseOf<N>(node: N, rank: number, end: () => void): Lease<N> {
  let held = true;
  const release = (): void => {
    if (!held) return;
    held = false;
    end();
  };
  return { node, rank, release, [Symbol.dispose]: release };
}
