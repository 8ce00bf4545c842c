/*
 * The types of peers that ship none, as far as the suites use them.
 */
declare module 'hashring' {
  interface Server {
    readonly string: string;
  }

  export default class HashRing {
    constructor(
      servers: readonly string[] | Readonly<Record<string, { readonly weight: number }>>,
      algorithm?: string,
      options?: { readonly 'max cache size'?: number },
    );
    /** The points in order; `value` is of 32 bits. */
    readonly ring: readonly { readonly value: number; readonly server: string }[];
    servers: readonly Server[];
    get(key: string): string;
    range(key: string, size: number): string[];
    add(servers: string | Readonly<Record<string, { readonly weight: number }>>): this;
    remove(server: string): this;
    has(server: string): boolean;
    hashValue(key: string): number;
    find(hashValue: number): number;
  }
}

declare module 'consistent-hash' {
  export default class ConsistentHash {
    add(node: string): this;
    get(key: string): string;
  }
}

declare module 'jumphash' {
  export default function jumphash(key: string, buckets: number): number;
}

// It ships types, but its `exports` do not lead to them.
declare module 'redlock' {
  import type { EventEmitter } from 'node:events';
  import type { Redis } from 'ioredis';

  export interface Settings {
    readonly retryCount: number;
  }

  export default class Redlock extends EventEmitter {
    constructor(clients: Iterable<Redis>, settings?: Partial<Settings>);
    using<T>(
      resources: string[],
      durationMs: number,
      routine: (signal: { readonly aborted: boolean }) => Promise<T>,
    ): Promise<T>;
  }
}

declare module 'async' {
  interface Queue<T, R> {
    pushAsync(task: T): Promise<R>;
  }

  const async: { queue<T, R>(worker: (task: T) => Promise<R>, concurrency: number): Queue<T, R> };
  export default async;
}
