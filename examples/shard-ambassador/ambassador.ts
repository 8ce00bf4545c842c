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

  /** What the client sees: `GET` and `PUT` of `/<key>`. A removal would need tombstones. */
  readonly serve: Call<Request, Response> = async (request) => {
    if (!['GET', 'PUT'].includes(request.method)) return new Response(null, { status: 405 });
    const key = new URL(request.url).pathname.slice(1);
    const purpose = request.method === 'GET' ? 'read' : 'write';
    const nodes = this.#moving?.[purpose](key) ?? this.#placement.getN(key, 1);
    const answer = (purpose === 'read' ? firstOf : allOf)(nodes, request);
    this.#underWay.add(answer);
    return await answer.finally(() => this.#underWay.delete(answer));
  };

  /** Takes an empty shard in, while requests go on: all that becomes its own, or nothing, and it rejects. */
  async add(shard: Service): Promise<MigrationPlan<Service>> {
    if (this.#moving !== undefined) throw new Error('another shard is on its way in');
    const moving = (this.#moving = transition(this.#placement, this.#placement.with(shard)));
    const sources = [...moving.before.nodes.values()];
    try {
      if ((await keysAt(shard)).length > 0) throw new Error(`${shard.id} is not empty`); // it would pass for newer
      await Promise.allSettled(this.#underWay); // when the copying begins, every write that is under way knows of it
      for (const source of sources)
        for (const key of (await keysAt(source)).filter((one) => moving.plan.moveOf(one) !== undefined)) {
          const body = await (await ask(source, key)).text();
          await ask(shard, key, { method: 'PUT', body, headers: { 'if-none-match': '*' } }); // a write is newer
        }
      this.#placement = moving.after; // until now, each source has all that was acknowledged
    } finally {
      this.#moving = undefined;
    }
    await Promise.allSettled(this.#underWay); // who asked the new owner before the copy may still ask the old one
    for (const source of sources)
      for (const key of await keysAt(source))
        if (moving.plan.moveOf(key) !== undefined) await ask(source, key, { method: 'DELETE' });
    return moving.plan;
  }
}

const send = (shard: Service): Call<Request, Response> => timebox(forward(shard.url), 5_000);
const keysAt = async (shard: Service): Promise<string[]> => (await (await ask(shard)).json()) as string[];

/** Asks a shard, and rejects when it does not do it. 412 is well: it has a newer one than the copy. */
async function ask(shard: Service, key = '', init?: RequestInit): Promise<Response> {
  const response = await send(shard)(new Request(`${shard.url}/${key}`, init));
  if (response.ok || response.status === 412) return response;
  throw new Error(`${shard.id} has answered ${response.status}`);
}

/** Has all do it, and answers as the one that did worst: a write that one of them has refused is not acknowledged. */
async function allOf(shards: readonly Service[], request: Request): Promise<Response> {
  const responses = await Promise.all(shards.map((shard) => send(shard)(request)));
  return responses.reduce((worst, response) => (response.status > worst.status ? response : worst));
}

/** Asks one after another until one has it. */
async function firstOf(shards: readonly Service[], request: Request): Promise<Response> {
  let response = new Response(null, { status: 404 });
  for (const shard of shards) if (response.status === 404) response = await send(shard)(request);
  return response;
}
