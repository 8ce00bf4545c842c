import { ask } from './client.ts';
import { judgeIntake } from './completeness.ts';
import type { Engine } from './engine.ts';
import { type ExtraAttemptsStatus, patientShare, statusOfExtra } from './extra-attempts.ts';
import { killLeaf, nextEvent, patienceMs, slowLeaf } from './faults.ts';
import { tellHeat } from './heat.ts';
import { formatExtraAttempts, formatHedge, formatLeaves } from './insight.ts';
import type { Lifetime } from './lifetime.ts';
import { runLoad, type Sample } from './load.ts';
import { messageOf } from './message.ts';
import { chooseQueries } from './queries.ts';
import { Reference } from './reference.ts';
import { formatAnswer, formatLoad, summarise, type Summary, table } from './report.ts';
import type { Answer } from './root.ts';
import { goViral } from './viral.ts';
import type { Reads } from './viral-reads.ts';
import { termsOf } from './words.ts';

const perSecond = 60;
const count = 120;
const killAfter = 30;
const slowMs = 300;
const hitsAsked = 10;
const hitsShown = 3;

/** Questions and faults in turn, and what a user sees of them. */
export class Tour {
  readonly #engine: Engine;
  readonly #print: (line: string) => void;
  readonly #signal: AbortSignal;
  readonly #reference: Reference;
  readonly #queries: readonly string[];
  readonly #shown: Sample<Answer>[] = [];
  readonly #rows: (readonly [name: string, summary: Summary])[] = [];

  constructor(engine: Engine, print: (line: string) => void, lifetime: Lifetime) {
    this.#engine = engine;
    this.#print = print;
    this.#signal = lifetime.signal;
    this.#reference = new Reference(engine.documents, engine.placement);
    this.#queries = chooseQueries(engine.documents, this.#reference.index);
  }

  /** True when every query was answered and every document opened, and rightly. */
  async run(): Promise<boolean> {
    this.#print('\n1. All is well');
    for (const query of this.#queries) await this.#askAndShow(query);
    await this.#load('all is well', { count });

    this.#print('\n2. One leaf is killed, one of another shard is slow');
    await this.#killOneSlowOne();

    this.#print('\n3. A shard loses both its leaves');
    await this.#killShard();

    this.#print('\n4. A document goes viral');
    const reads = await this.#goViral();

    this.#print('\n5. Healed');
    await this.#load('healed', { count });

    this.#print('\n6. What was accepted');
    const allThere = await judgeIntake(this.#engine, this.#note.bind(this), this.#signal);
    return this.#conclude(reads) && allThere;
  }

  async #killOneSlowOne(): Promise<void> {
    const { cluster } = this.#engine;
    const [first, second] = cluster.shards;
    const [victim] = cluster.serving(first!.id);
    const [slow] = cluster.serving(second!.id);
    await slowLeaf(cluster, slow!.id, slowMs);
    this.#note(`${slow!.id} takes ${slowMs} ms longer; ${formatHedge(this.#learnt())}, to the other leaf`);
    const gone = nextEvent(cluster, 'down', victim!.id);
    const back = nextEvent(cluster, 'up', victim!.id);
    const shown = gone.then(() => this.#askAndShow(this.#queries[0]!));
    shown.catch(() => undefined); // told below, unless the load has failed before
    const onSend = (sent: number): void => {
      if (sent === killAfter) this.#kill(victim!.id);
    };
    await this.#load('one killed, one slow', { count, until: back, onSend });
    await Promise.all([back, shown]);
    for (const line of formatLeaves(cluster.shards.map(({ replicas }) => replicas.stats()))) this.#note(line);
    await slowLeaf(cluster, slow!.id, 0);
  }

  async #killShard(): Promise<void> {
    const { cluster } = this.#engine;
    const leaves = cluster.serving(cluster.shards.at(-1)!.id).map(({ id }) => id);
    const gone = leaves.map((id) => nextEvent(cluster, 'down', id));
    const back = leaves.map((id) => nextEvent(cluster, 'up', id));
    for (const id of leaves) this.#kill(id);
    await Promise.all(gone);
    await this.#askAndShow(this.#queries[0]!);
    await this.#load('a shard is missing', { count: 1, until: Promise.race(back) });
    await Promise.all(back);
  }

  /** The document is the best answer to the first question. */
  async #goViral(): Promise<Reads> {
    const { index } = this.#reference;
    const [best] = index.search(termsOf(this.#queries[0]!), index.statistics(), 1).hits;
    const note = (line: string): void => {
      this.#note(line);
    };
    tellHeat(this.#engine.router, note);
    return await goViral(this.#engine, best!.id, note, this.#signal);
  }

  #conclude(reads: Reads): boolean {
    this.#rows.unshift(['shown above', this.#judge(this.#shown)]);
    this.#print('');
    for (const line of table(this.#rows)) this.#print(line);
    const total = (of: (summary: Summary) => number): number => this.#rows.reduce((sum, [, row]) => sum + of(row), 0);
    const lost = total((row) => row.lost) + reads.lost;
    const wrong = total((row) => row.wrong) + reads.wrong;
    this.#print(
      `\nhedges: to another leaf, after a silence that ${100 * patientShare} % of the first requests stay under; won: they were faster`,
    );
    this.#print('retries: to another leaf, for one had failed');
    this.#print(
      `${total((row) => row.queries)} queries and ${reads.opened} documents opened: ${lost} lost, ${wrong} wrong, ` +
        `${total((row) => row.partial)} partial and said so.`,
    );
    this.#print(
      'Each answer was compared with a search of the same documents in one process, each text with the original.',
    );
    return lost === 0 && wrong === 0;
  }

  async #load(
    name: string,
    options: { readonly count: number; readonly until?: Promise<unknown>; readonly onSend?: (sent: number) => void },
  ): Promise<void> {
    const atMost = (patienceMs / 1_000) * perSecond;
    const limits = { perSecond, atMost, signal: this.#signal };
    const begun = performance.now();
    const samples = await runLoad((query) => this.#ask(query), this.#queries, { ...limits, ...options });
    for (const line of formatLoad('queries', samples, performance.now() - begun)) this.#note(line);
    this.#note(formatExtraAttempts(this.#learnt()));
    this.#rows.push([name, this.#judge(samples)]);
  }

  #learnt(): ExtraAttemptsStatus {
    return statusOfExtra(this.#engine.extra.searches);
  }

  #judge(samples: readonly Sample<Answer>[]): Summary {
    return summarise(samples, (answer) => this.#reference.agrees(answer, hitsAsked));
  }

  #ask(query: string): Promise<Answer> {
    return ask(this.#engine.url, query, hitsAsked);
  }

  async #askAndShow(query: string): Promise<void> {
    const [sample] = await runLoad((one) => this.#ask(one), [query], { perSecond, count: 1, signal: this.#signal });
    this.#shown.push(sample!);
    const { answer, error } = sample!;
    const lines =
      answer === undefined ? [`“${query}” NOT answered: ${messageOf(error)}`] : formatAnswer(answer, hitsShown);
    for (const line of lines) this.#note(line);
  }

  #kill(id: string): void {
    killLeaf(this.#engine.cluster, id, (line) => {
      this.#note(line);
    });
  }

  #note(line: string): void {
    this.#print(`   ${line}`);
  }
}
