/** TLS, caches, replicas: three tiers, each scaled on its own under load; and one replica leaves without an error. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LoadBalancer, type MemberStats, roundRobin } from 'holdfast/balancing';
import { Rendezvous } from 'holdfast/hashing';
import { selfSigned } from '../support/certificate.ts';
import { count, example, percent } from '../support/example.ts';
import { fetchTrusting, type Service } from '../support/http.ts';
import { cache, isReady, replica, terminator, Tier } from './tiers.ts';

await example(async ({ say, check, defer }) => {
  const toReplicas = new LoadBalancer<Service>([], { probe: { check: isReady, everyMs: 40, rise: 1, fall: 1 } });
  const toTerminators = new LoadBalancer<Service>([], { cost: roundRobin() });
  let toCaches = new Rendezvous<Service>([]);
  const replicas = new Tier((servers) => toReplicas.update(servers));
  const caches = new Tier((servers) => (toCaches = new Rendezvous(servers)));
  const terminators = new Tier((servers) => toTerminators.update(servers));
  const tiers = [terminators, caches, replicas];
  defer(() => tiers.forEach(({ requests }) => [...requests.keys()].forEach((server) => server.close())));
  defer(() => toReplicas.close());

  const { key, cert } = selfSigned();
  const throughTls = terminator(() => toCaches);
  const ready = new Set<string>();
  const addReplica = (id: string): Promise<Service> => {
    setTimeout(() => ready.add(id), 200); // a real one loads its dictionary
    return replicas.add(id, replica(id, ready));
  };
  const [leaving] = await Promise.all(['replica-1', 'replica-2', 'replica-3'].map(addReplica));
  for (const id of ['cache-1', 'cache-2']) await caches.add(id, cache(toReplicas));
  await terminators.add('tls-1', throughTls, { key, cert });

  const seen = { requests: 0, errors: 0 };
  const get = fetchTrusting(cert);
  const over = new AbortController();
  const client = async (first: number): Promise<void> => {
    for (let i = first; !over.signal.aborted; i += 4) {
      const word = `word-${i % 3 === 0 ? i % 10 : i}`; // some are asked for often
      const ask = async ({ url }: Service): Promise<string> => await (await get(`${url}/${word}`)).text();
      const answer = await toTerminators.run(ask).catch(String);
      seen.requests++;
      if (answer !== `${word}: a word`) seen.errors++;
    }
  };
  const load = Promise.all([0, 1, 2, 3].map(client));
  const sizes: string[] = [];
  /** Waits for requests, and says which server of each tier got how many of them. */
  const watch = async (title: string): Promise<void> => {
    const before = tiers.map(({ requests }) => new Map(requests));
    for (const until = seen.requests + 150; seen.requests < until;) await sleep(5);
    const got = tiers.map(({ requests }, t) => [...requests].map(([server, n]) => n - before[t]!.get(server)!));
    const [tls, cached, asked] = got.map((tier) => tier.join(' + '));
    say(`${title.padEnd(17)} TLS ${tls}, caches ${cached}, replicas ${asked}`);
    sizes.push(got.map(({ length }) => length).join('-'));
  };
  await watch('at first');
  await terminators.add('tls-2', throughTls, { key, cert });
  await watch('a terminator more');
  const before = toCaches;
  await caches.add('cache-3', cache(toReplicas));
  await watch('a cache more');
  await addReplica('replica-4');
  await watch('a replica more');
  ready.delete('replica-1'); // it says so, and goes on serving
  const members = (): readonly MemberStats[] => toReplicas.stats().members.filter(({ id }) => id === leaving!.id);
  while (members().some(({ ejected, pending }) => !ejected || pending > 0)) await sleep(5); // nothing is on its way to it
  replicas.remove(leaving!);
  await leaving!.drain();
  await watch('a replica less');
  over.abort();
  await load;

  const scaled = sizes.join(', ');
  const used = tiers.every(({ requests }) => [...requests.values()].every((n) => n > 0));
  check(used && scaled === '1-2-3, 2-2-3, 2-3-3, 2-3-4, 2-3-3', `each tier scaled on its own, all used: ${scaled}`);
  const paths = Array.from({ length: 1_000 }, (_, i) => `/word-${i}`);
  const moved = paths.filter((path) => before.get(path) !== toCaches.get(path));
  const toThird = moved.every((path) => toCaches.get(path)!.id === 'cache-3');
  check(toThird, `the third cache took ${percent(moved.length / 1_000)} of the words, and no other word moved`);
  check(replicas.untimely === 0, `${replicas.untimely} requests came to a replica before or after its time`);
  check(seen.errors === 0, `${seen.errors} errors in ${count(seen.requests)} requests`);
});
