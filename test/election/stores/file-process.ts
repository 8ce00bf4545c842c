/** A process that shares a folder of leases with others: `race` takes part when told to, `live` goes on until it is killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FileLeaseStore } from 'holdfast/election/file';

const [mode = '', folder = ''] = process.argv.slice(2);
const store = new FileLeaseStore(folder);
const { signal } = new AbortController();
const holder = String(process.pid);
const tell = (message: unknown): void => void process.send?.(message);

/** Ten candidates of this process at once; tells how many were granted. */
async function race(key: string): Promise<void> {
  const candidates = Array.from({ length: 10 }, (_, i) => ({ key, holder, nonce: `${holder}-${i}`, ttlMs: 60_000 }));
  const answers = await Promise.all(candidates.map((candidacy) => store.acquire(candidacy, signal)));
  tell(answers.filter(({ granted }) => granted).length);
}

/** Waits for the lease as an observer does, renews it a few times, gives it back; tells of each grant. */
async function lead(nonce: string): Promise<void> {
  const ttlMs = 40;
  const seen = await store.read('key', signal);
  let expectDead: string | undefined;
  if ((seen?.holder ?? null) !== null) {
    await sleep(ttlMs);
    expectDead = seen?.version;
  }
  const answer = await store.acquire({ key: 'key', holder, nonce, ttlMs, expectDead }, signal);
  if (!answer.granted) return;
  tell({ nonce, token: String(answer.record.token) });
  for (let renewals = Math.floor(Math.random() * 6); renewals > 0; renewals--) {
    const [record] = await store.renew([answer.record], { ttlMs, data: 'x'.repeat(5000) }, signal);
    if (record === null) return;
  }
  if (Math.random() < 0.8) await store.release(answer.record, signal);
}

if (mode === 'race') {
  process.on('message', (key: string) => void race(key));
  tell('ready');
} else {
  tell('ready');
  for (let term = 0; ; term++) await lead(`${holder}-${String(term)}`);
}
