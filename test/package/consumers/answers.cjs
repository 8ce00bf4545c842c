/*
 * A user's program that rebuilds placements from JSON and says where keys belong: asked and answering in JSON, in this
 * thread or, called with `worker`, in another. The tests of the sources run it as well; `test/hashing/processes.ts` asks.
 */
const { readFileSync } = require('node:fs');
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads');

function answersTo({ seed, sipKey, placements, keys, hashes }, hashing) {
  const { jumpHash, placementFromJSON, sipHash13, xxh64 } = hashing;
  const sip = sipHash13(sipKey);
  const plain = keys.map((key) => (typeof key === 'string' ? key : Uint8Array.from(key)));
  const digest = (hasher, key) => {
    const out = new Uint32Array(2);
    hasher.hash(key, Number(BigInt(seed) & 0xffff_ffffn), Number(BigInt(seed) >> 32n), out);
    return [...out];
  };
  return {
    format: Object.prototype.toString.call(hashing) === '[object Module]' ? 'ESM' : 'CommonJS',
    thread: isMainThread ? 'main' : 'worker',
    webAssembly: typeof WebAssembly !== 'undefined',
    placements: placements.map((json) => {
      const placement = placementFromJSON(json, json.includes(sip.name) ? { hasher: sip } : {});
      const ids = (nodes) => nodes.map(({ id }) => id);
      return {
        fingerprint: placement.fingerprint,
        owners: plain.map((key) => placement.get(key).id),
        lists: plain.slice(0, 40).map((key) => ids(placement.getN(key, 20))),
        spread: plain.slice(0, 40).map((key) => ids(placement.getN(key, 4, { spread: 'zone' }))),
        ownership: [...placement.ownership()],
      };
    }),
    jump: [
      ...plain.map((key) => jumpHash(key, 1000, { seed: BigInt(seed) })),
      ...hashes.map((hash) => jumpHash(BigInt(hash), 1000)),
    ],
    digests: [xxh64, sip].map((hasher) => plain.map((key) => digest(hasher, key))),
  };
}

exports.serve = (hashing, program) => {
  if (!isMainThread) {
    parentPort.postMessage(answersTo(workerData, hashing));
    return;
  }
  const question = JSON.parse(readFileSync(0, 'utf8'));
  const print = (answers) => process.stdout.write(JSON.stringify(answers));
  if (process.argv[2] === 'worker') new Worker(program, { workerData: question }).on('message', print);
  else print(answersTo(question, hashing));
};
