/** Makes several shards look like one server, also while keys move from some to another. */
import { type Call, timebox } from 'holdfast/calls';
import { type MigrationPlan, type Placement, SlotTable, transition, type Transition } from 'holdfast/hashing';
import { forward, type Service } from '../support/http.ts';

export class Ambassador {
  #placement: Placement<Service>;
  #moving: Transition<Service> | undefined;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(shards: readonly Service[]) {
    this.#placement = new SlotTable(shards);
  }

  /** What the client sees: `GET` and `PUT` of `/<key>`. */
  readonly serve: Call<Request, Response> = async (request) => {
    const key = new URL(request.url).pathname.slice(1);
    const purpose = request.method === 'GET' ? 'read' : 'write';
    const nodes = this.#moving?.[purpose](key) ?? this.#placement.getN(key, 1);
    const answer = (purpose === 'read' ? firstOf : allOf)(nodes, request);
    this.#underWay.add(answer);
    return await answer.finally(() => this.#underWay.delete(answer));
  };
  readonly #quiet = (): Promise<unknown> => Promise.allSettled(this.#underWay);

  /** Takes a shard in, and moves to it what becomes its own, a batch after the other, while requests go on. */
  async add(shard: Service): Promise<MigrationPlan<Service>> {
    const moving = transition(this.#placement, this.#placement.with(shard));
    this.#moving = moving;
    await this.#quiet(); // no write that knows nothing of the move is under way when the copying begins
    for (const batch of moving.plan.batches({ perNode: 512 })) {
      for (const source of moving.before.nodes.values()) {
        const leaving = (await keysAt(source)).filter((key) => batch.includes(moving.plan.moveOf(key)!));
        // Copied if absent: a write that came in the meantime is newer.
        const copy = async (key: string): Promise<unknown> => {
          const body = await (await fetch(`${source.url}/${key}`)).text();
          return await fetch(`${shard.url}/${key}`, { method: 'PUT', body, headers: { 'if-none-match': '*' } });
        };
        await Promise.all(leaving.map(copy));
      }
      for (const move of batch) moving.commit(move);
    }
    this.#placement = moving.after;
    this.#moving = undefined;
    await this.#quiet(); // who asked the new owner before the copy may still ask the old one
    for (const source of moving.before.nodes.values()) {
      const gone = (await keysAt(source)).filter((key) => moving.plan.moveOf(key) !== undefined);
      await Promise.all(gone.map((key) => fetch(`${source.url}/${key}`, { method: 'DELETE' })));
    }
    return moving.plan;
  }
}

const allOf = async (shards: readonly Service[], request: Request): Promise<Response> =>
  (await Promise.all(shards.map((shard) => send(shard)(request))))[0]!;
const send = (shard: Service): Call<Request, Response> => timebox(forward(shard.url), 5_000);
const keysAt = async (shard: Service): Promise<string[]> => (await (await fetch(shard.url)).json()) as string[];

/** Asks one after another until one has it. */
async function firstOf(shards: readonly Service[], request: Request): Promise<Response> {
  for (const shard of shards) {
    const response = await send(shard)(request);
    if (response.status !== 404) return response;
  }
  return new Response(null, { status: 404 });
}
