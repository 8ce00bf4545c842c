/** Bugs that were really there, in the manner of etcd's list; as the history tells them. */
interface Mended {
  readonly bug: string;
  /** How it came to light, where the commit says so. */
  readonly found?: string;
  /** What has mended it. */
  readonly commit: string;
  /** The test that would fail if it came back. */
  readonly test: string;
}

export const mended: readonly Mended[] = [
  {
    bug: 'A journal file that never got its header went on being counted after recovery had removed it: the next removal of an old file failed, for ever.',
    commit: 'c89ad17',
    test: 'test/queue/journal/crash.test.ts',
  },
  {
    bug: 'An id that came back began with low fences: a lease of its first life could end its second.',
    found: 'by a property, the backlog against arrays',
    commit: 'b136aac',
    test: 'test/queue/backlog.prop.test.ts',
  },
  {
    bug: 'Under aging a class of priorities kept the rank of a job that had left.',
    found: 'by the same property',
    commit: 'b136aac',
    test: 'test/queue/backlog.prop.test.ts',
  },
  {
    bug: 'Tombstones that were redriven, and rows of `dropLowest`, came out of order.',
    found: 'by the same property',
    commit: 'b136aac',
    test: 'test/queue/backlog.prop.test.ts',
  },
  {
    bug: 'Cancelling and redriving started jobs before they were entered in the books.',
    found: 'by a property, a queue under a random life',
    commit: 'fe23bcf',
    test: 'test/queue/work-queue.prop.test.ts',
  },
  {
    bug: 'A job that was given back at a close and then cancelled was in the report twice.',
    commit: 'b3d1b33',
    test: 'test/queue/work-queue.prop.test.ts',
  },
  {
    bug: 'A pool scaled to zero was not woken by a delay that ended or a key that became free.',
    found: 'with a far store that fails, hangs and dies',
    commit: '2afc95c',
    test: 'test/queue/store-depot.test.ts',
  },
  {
    bug: 'What a consumer gave back was handed to it again at once; a rate whose limiter answered at once forgot its jobs.',
    commit: 'ec9eb4b',
    test: 'test/queue/work-queue.test.ts',
  },
  {
    bug: 'Jobs of a reopened journal waited for the next poll when there was no worker at the start, and `onIdle` resolved before anybody knew of them.',
    commit: '04be2ff',
    test: 'test/queue/store-depot.test.ts',
  },
  {
    bug: 'Those who waited for one end were a chain as deep as the stack is not; a promise with a throwing constructor cost a slot; an endless `retryAfterMs` left a job delayed for ever.',
    found: 'by a review',
    commit: 'b075bb4',
    test: 'test/queue/edges.test.ts',
  },
  {
    bug: 'A call that PostgreSQL had ended for a deadlock was taken for a failure of BullMQ.',
    commit: '8955948',
    test: 'test/queue/stores/bullmq-deadlock.test.ts',
  },
  {
    bug: 'A connection of a PostgreSQL pool that broke during a call ended the process: nobody heard its error.',
    commit: '20540f2',
    test: 'test/election/stores/postgres.test.ts',
  },
  {
    bug: 'A leader that gave back a stray lease did not renew its own.',
    commit: 'dd05168',
    test: 'test/election/machine.prop.test.ts',
  },
  {
    bug: 'A candidate’s patience began anew at each poll; a store that was silent was not asked again at once; a body that ended after its loss counted as ended in office.',
    found: 'by a hostile reading',
    commit: 'a0cce81',
    test: 'test/election/machine.test.ts',
  },
  {
    bug: 'Only one of several who waited for hints was woken.',
    commit: '3dcfe85',
    test: 'test/election/stores/memory.test.ts',
  },
  {
    bug: 'Whoever failed because all failed was ejected, and the rest got its load: an ejection fed an overload.',
    commit: '793c2cb',
    test: 'test/balancing/promises.prop.test.ts',
  },
  {
    bug: 'One success of a call that had begun earlier ended a row of failures; trials cost as many calls as there were.',
    found: 'by a hostile reading',
    commit: '0756417',
    test: 'test/balancing/attacks.test.ts',
  },
  {
    bug: 'A call that did not ask its member after all counted as silence, and an hour later five short deadlines ejected who had been asked for 50 ms.',
    commit: '066a4dc',
    test: 'test/balancing/attacks.test.ts',
  },
  {
    bug: 'A balancer that a listener of an update had closed took the call all the same.',
    commit: '4daa4d2',
    test: 'test/balancing/reentrancy.test.ts',
  },
  {
    bug: 'What several attempts below had failed of lost its pause and its finality: a closed balancer was asked six times.',
    commit: 'fba94de',
    test: 'test/calls/policies.test.ts',
  },
  {
    bug: 'A percentile was told of an original twice when it aborted the call that it was told of.',
    commit: 'bbdbfed',
    test: 'test/calls/policies.test.ts',
  },
  {
    bug: 'A percentile gave the lower edge of its bucket: one narrow mode was hedged as a whole.',
    commit: '193aea0',
    test: 'test/calls/percentile.prop.test.ts',
  },
  {
    bug: 'A merge that was left from inside of a stream’s `next` was held by that stream for ever.',
    commit: 'a5c4e16',
    test: 'test/scatter/merge-sorted.prop.test.ts',
  },
  {
    bug: 'A key that nobody asked for any more kept its replicas; two texts stood for one key.',
    found: 'by a hostile reading',
    commit: 'd5eeb67',
    test: 'test/sharding/regressions.test.ts',
  },
  {
    bug: 'Placements of one hasher shared a digest; a snapshot could cost minutes; an Envoy ring had one point too many.',
    found: 'by a hostile reading',
    commit: '21a2aa4',
    test: 'test/hashing/from-json.test.ts',
  },
  {
    bug: 'After a million lookups a `TypeError` for a bad key ended the process with SIGSEGV on Node 20: optimised code with an inlined call of WebAssembly must not throw.',
    commit: '86cd08e',
    test: 'test/hashing/xxh64.test.ts',
  },
  {
    bug: 'A live value whose trigger had fired and then thrown loaded for ever; content that contains itself was compared without end.',
    found: 'by attack',
    commit: 'c3f7b10',
    test: 'test/live/live.test.ts',
  },
  {
    bug: 'A job whose retry began before the store had answered its settlement lost its new lease, and stood still until that ran out.',
    commit: 'e6f8b8b',
    test: 'test/queue/store-depot.test.ts',
  },
  {
    bug: 'A paused queue grew its pool to the maximum for jobs that could not start, and kept it.',
    commit: '41a921b',
    test: 'test/queue/work-queue.test.ts',
  },
  {
    bug: 'An election that had closed told of its end once more where its process had stood still meanwhile and the store was silent.',
    found: 'by the simulation of this page, under a seed that the suite does not run',
    commit: '67e7743',
    test: 'test/election/stalled-close.sim.test.ts',
  },
  {
    bug: 'An id that came back while the end of its last job was on its way to a store behind promises: the new result never came, or was the old one’s.',
    found: 'by reading, and by a property of one id that comes back again and again',
    commit: 'ddd7883',
    test: 'test/queue/store-depot.test.ts',
  },
  {
    bug: 'Whoever added an id that was among the dead of a store behind promises waited for ever.',
    found: 'by the same property',
    commit: '4cd0a99',
    test: 'test/queue/store-depot.test.ts',
  },
  {
    bug: 'A settlement that a store behind promises had taken, and whose answer was lost: the result never came.',
    found: 'by a hostile reading',
    commit: 'd008619',
    test: 'test/queue/store-depot.test.ts',
  },
  {
    bug: 'A deadline that passed while a retry was on its way to the store, or after a lease was lost, was never told.',
    found: 'by the same reading',
    commit: '38e127d',
    test: 'test/queue/store-depot.test.ts',
  },
  {
    bug: 'A count of the store that was older than what had been accepted made a queue idle; beyond 120,000 leases a timer threw.',
    found: 'by the same reading',
    commit: '275cd16',
    test: 'test/queue/store-depot.test.ts',
  },
  {
    bug: 'A cancel of an id and an add of it on their way to a far store at once: the wrong one of the two was told, and booked.',
    found: 'by a property over two ids with cancels, deadlines and redrives',
    commit: '5232312',
    test: 'test/queue/far-store.prop.test.ts',
  },
  {
    bug: 'Over a far store a job that had taken the place of another ended with the deadline of the other, and not with its own signal.',
    found: 'by the same property',
    commit: '06f6dad',
    test: 'test/queue/far-store.prop.test.ts',
  },
  {
    bug: 'A deadline that passed while a job that had been pulled waited for a worker, or while its retry was answered late, was told late or never.',
    found: 'by the same property',
    commit: '5232312',
    test: 'test/queue/store-depot.test.ts',
  },
  {
    bug: 'Whoever added an id that another had left while it waited for room was told nothing when that one was taken back.',
    found: 'by the same property',
    commit: 'fd67743',
    test: 'test/queue/far-store.prop.test.ts',
  },
  {
    bug: 'Whoever added an id again whose deadline was not known here (the answer to the first add was lost) waited for ever when it passed.',
    found: 'by a hostile review with a fuzz of faults',
    commit: '79b86d1',
    test: 'test/queue/store-depot.test.ts',
  },
  {
    bug: 'What a paused queue, or one whose reader had left, had pulled from a shared store was kept from all others.',
    found: 'by the same review',
    commit: 'e1425ad',
    test: 'test/queue/store-depot.test.ts',
  },
  {
    bug: 'The result of a job that a consumer acknowledged was the error of an attempt before.',
    found: 'by the same review',
    commit: '62f90f7',
    test: 'test/queue/work-queue.test.ts',
  },
  {
    bug: 'A queue that asked a shared store for jobs all the time never counted what others had added, and did not grow for it.',
    found: 'by reading',
    commit: '0730d80',
    test: 'test/queue/shared.prop.test.ts',
  },
  {
    bug: 'A reader of a flow that asked for several deliveries at once was given the first, and waited for the others for ever.',
    found: 'by a mutant that no test noticed',
    commit: 'bf3be69',
    test: 'test/flow/leaving.test.ts',
  },
  {
    bug: 'A learnt delay was the least one, and each call hedged at once, where nine of ten originals had failed before the first answer.',
    found: 'by a mutant that no test noticed',
    commit: '4e7710d',
    test: 'test/calls/percentile.prop.test.ts',
  },
  {
    bug: 'A late answer to a trial brought an ejected member back though it was a bad one, a 503 after the deadline: a server that was sick and slow came and went.',
    found: 'by a mutant that no test noticed',
    commit: 'b016906',
    test: 'test/balancing/trials.test.ts',
  },
  {
    bug: 'Trials of an earlier ejection that were called off in a later one counted there: three of them ended it.',
    found: 'by a mutant that no test noticed',
    commit: 'b016906',
    test: 'test/balancing/trials.test.ts',
  },
  {
    bug: 'A candidate that withdrew in a listener waited for the answer to its acquisition: the next campaign began only after it, or after the time that a store may take.',
    found: 'by reading, for a mutant that no test noticed',
    commit: '8201c17',
    test: 'test/election/ending.test.ts',
  },
];
