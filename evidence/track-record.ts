/** Bugs that were really there, in the manner of etcd's list: how each was found, and what mended it. */
export interface Mended {
  readonly bug: string;
  readonly found: string;
  /** The commit. */
  readonly commit: string;
}

export const mended: readonly Mended[] = [
  {
    bug: 'A journal file that never got its header went on being counted after recovery had removed it: the next removal of an old file failed for ever.',
    found: 'by going on after each enumerated crash, until none of its files was there',
    commit: 'c89ad17',
  },
  {
    bug: 'An id that came back, redriven or added again, began with low fences: a lease of its first life could end its second.',
    found: 'by the backlog’s property against an array model',
    commit: 'b136aac',
  },
  {
    bug: 'Under aging a class of priorities kept the rank of a job that had left, and jumped the line.',
    found: 'by the backlog’s property against an array model',
    commit: 'b136aac',
  },
  {
    bug: 'Cancelling and redriving started jobs before they were entered in the books.',
    found: 'by a property that lives a random life and adds up the books at every event',
    commit: 'fe23bcf',
  },
  {
    bug: 'A job that was given back at a close and then cancelled was in the report twice.',
    found: 'by the same random life',
    commit: 'b3d1b33',
  },
  {
    bug: 'A pool scaled to zero was not woken by a delay that ended or a key that became free.',
    found: 'by a store in virtual time that fails, hangs and dies',
    commit: '2afc95c',
  },
  {
    bug: 'Jobs that were pulled before their acceptance was told were counted twice.',
    found: 'by sums of accepted, waiting and ended over a far store',
    commit: '570f9fe',
  },
  {
    bug: 'Jobs of a reopened journal waited for the next poll when no worker was there at the start, and `onIdle` resolved before anybody knew.',
    found: 'by an example with real processes that index documents',
    commit: '04be2ff',
  },
  {
    bug: 'Waiters for one end were a chain as deep as the stack is not; a promise with a throwing constructor cost a slot; an endless `retryAfterMs` left a job delayed for ever.',
    found: 'by a hostile review',
    commit: 'b075bb4',
  },
  {
    bug: 'BullMQ on PostgreSQL answered with a deadlock, and the queue took it for a failure of the job.',
    found: 'by twenty kills among real processes',
    commit: '8955948',
  },
  {
    bug: 'A connection of a PostgreSQL pool that broke during a call ended the process: nobody heard its error.',
    found: 'by cutting connections between real processes',
    commit: '20540f2',
  },
  {
    bug: 'A leader that gave back a stray lease did not renew its own.',
    found: 'by the property of the election’s machine',
    commit: 'dd05168',
  },
  {
    bug: 'An ejection fed an overload: whoever failed because all failed was ejected, and the rest got its load.',
    found: 'by the simulation of an overload',
    commit: '793c2cb',
  },
  {
    bug: 'What several attempts below had failed of for good was retried.',
    found: 'by a review of nested policies',
    commit: 'fba94de',
  },
  {
    bug: 'A hot key that nobody asked for any more kept its replicas; two texts stood for one key.',
    found: 'by a hostile review',
    commit: 'd5eeb67',
  },
  {
    bug: 'After a million lookups a `TypeError` for a bad key ended the process with SIGSEGV on Node 20: optimised code with an inlined WebAssembly call must not throw.',
    found: 'by a long run over bad keys',
    commit: '86cd08e',
  },
  {
    bug: 'Writes of placements missed digests: instances shared one, snapshots cost minutes, and an Envoy ring had one point too many.',
    found: 'by a hostile review',
    commit: '21a2aa4',
  },
  {
    bug: 'A percentile gave the lower edge of its bucket: one narrow mode was hedged as a whole.',
    found: 'by the simulation of hedges',
    commit: '193aea0',
  },
  {
    bug: 'An answer that is left by a reader inside of a stream’s `next` kept a merge open.',
    found: 'by a property of leaving at any moment',
    commit: 'a5c4e16',
  },
  {
    bug: 'A live value loaded when its trigger had failed; content that contains itself was compared without end.',
    found: 'by a hostile review',
    commit: 'c3f7b10',
  },
];
