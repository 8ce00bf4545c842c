/** opossum brings no types; this is what the benchmark uses of it. */
declare module 'opossum' {
  export default class CircuitBreaker<T> {
    constructor(action: () => Promise<T>, options: { readonly timeout: number });
    fire(): Promise<T>;
  }
}
