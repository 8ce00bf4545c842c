/** The resource: a table of segments. It keeps the highest token that it has seen, and refuses a smaller one. */

/** Entries of a log: a key and its value; of one key the last counts. */
export type Entries = readonly (readonly [key: string, value: number])[];

export class Table {
  /** Which segment was compacted in which term, in the order of writing. */
  readonly writes: { readonly segment: number; readonly token: bigint }[] = [];
  /** The tokens of writes that came too late. */
  readonly refused: bigint[] = [];
  readonly #segments: Entries[];
  #highest = 0n;

  constructor(segments: number, entries: number) {
    this.#segments = Array.from({ length: segments }, (_, segment) =>
      Array.from({ length: entries }, (_, i) => [`key-${(i * (segment + 7)) % 50}`, i] as const),
    );
  }

  has(segment: number): boolean {
    return this.writes.some((write) => write.segment === segment);
  }

  /** `GET /next`: a segment to compact. `PUT /<segment>`: a compacted one, with the token of the writer's term. */
  readonly serve = async (request: Request): Promise<Response> => {
    if (request.method === 'GET') {
      const segment = this.#segments.findIndex((_, i) => !this.has(i));
      return Response.json(segment === -1 ? null : { segment, entries: this.#segments[segment] });
    }
    const entries = (await request.json()) as Entries;
    // From here on nothing waits: comparing and writing are one step.
    const segment = Number(new URL(request.url).pathname.slice(1));
    const token = BigInt(request.headers.get('x-token') ?? 0);
    if (token < this.#highest) {
      this.refused.push(token);
      return new Response(null, { status: 409 });
    }
    this.#highest = token;
    this.writes.push({ segment, token });
    this.#segments[segment] = entries;
    return new Response(null, { status: 204 });
  };
}
