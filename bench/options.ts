/** The command line: `run.ts [suite …] [option …]`. */
export const options = {
  /** One short round of everything: are the answers right? */
  check: { type: 'boolean', default: false },
  /** A few short rounds, no report. */
  quick: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  'sample-ms': { type: 'string' },
  /** Repeats the order of the rounds. */
  seed: { type: 'string' },
} as const;
