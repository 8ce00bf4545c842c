interface Platform {
  readonly setImmediate?: (fn: () => void) => unknown;
}

// Taken at import: a turn that is asked of faked timers, and never comes, would keep all that waits for it waiting.
const { setImmediate: macrotask = setTimeout } = globalThis as Platform;

/** How long work that is always ready may keep the platform from its timers and sockets. */
const sliceMs = 1;

/** How many pieces of work are done between two looks at the time, which costs more than many a piece. */
const mostUnseen = 16;

const waiting: (() => void)[] = [];

/** Since the platform's last turn: how many pieces of work were begun, when the first was, when to look at the time next. */
let begun = 0;
let begunMs = 0;
let lookAt = 1;
let over = false;

/** @internal The system's `Clock.turn`. One macrotask for each turn of the platform in which there is work. */
export function turn(work: () => void): void {
  if (begun === 0) {
    begunMs = performance.now();
    macrotask(next);
  } else if (begun === lookAt) {
    over = performance.now() - begunMs >= sliceMs;
    lookAt += Math.min(begun, mostUnseen);
  }
  begun++;
  if (over) waiting.push(work);
  else work();
}

function next(): void {
  begun = 0;
  lookAt = 1;
  over = false;
  for (const work of waiting.splice(0)) work();
}
