/** opossum brings no types; this is what is used of it. */
declare module 'opossum' {
  interface Options {
    readonly timeout?: number | false;
    readonly errorThresholdPercentage?: number;
    readonly resetTimeout?: number;
    readonly volumeThreshold?: number;
    readonly capacity?: number;
  }

  export default class CircuitBreaker<A extends readonly unknown[], T> {
    constructor(action: (...args: A) => Promise<T>, options?: Options);
    readonly opened: boolean;
    fire(...args: A): Promise<T>;
    fallback(alternative: (...args: A) => unknown): this;
    on(event: 'open' | 'close' | 'halfOpen' | 'reject' | 'timeout', listener: () => void): this;
    shutdown(): void;
  }
}
