/** A stream that may be a terminal. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows how far a piece of work is. */
export interface Progress {
  update(done: number): void;
  /** Prints a line of its own. */
  note(line: string): void;
  /** Leaves the cursor at the beginning of a line. Idempotent. */
  end(): void;
}

const stepsWithoutTerminal = 5;
const barWidth = 30;

/** A bar that is drawn over on a terminal; elsewhere a few plain lines, one for each fifth of the work. */
export function showProgress(output: Output, what: string, total: number): Progress {
  return output.isTTY === true && process.env['TERM'] !== 'dumb'
    ? bar(output, what, total)
    : lines(output, what, total);
}

const percent = (done: number, total: number): string => `${Math.floor((100 * done) / total)} %`.padStart(5);

function bar(output: Output, what: string, total: number): Progress {
  // Some terminals say that they have no width.
  const columns = output.columns === undefined || output.columns === 0 ? 80 : output.columns;
  let drawn = '';
  let ended = false;
  return {
    update(done) {
      const filled = Math.floor((barWidth * done) / total);
      const text = `${what} [${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}] ${percent(done, total)}  ${done} of ${total}`;
      const fitting = text.slice(0, columns - 1);
      if (ended || fitting === drawn) return;
      drawn = fitting;
      output.write(`\r${fitting}\u001b[K`);
    },
    note(line) {
      output.write(drawn === '' || ended ? `${line}\n` : `\r${line}\u001b[K\n${drawn}\u001b[K`);
    },
    end() {
      if (!ended && drawn !== '') output.write('\n');
      ended = true;
    },
  };
}

function lines(output: Output, what: string, total: number): Progress {
  let shown = 0;
  return {
    update(done) {
      const step = Math.floor((stepsWithoutTerminal * done) / total);
      if (step <= shown) return;
      shown = step;
      output.write(`${what} ${percent(done, total)}  ${done} of ${total}\n`);
    },
    note(line) {
      output.write(`${line}\n`);
    },
    end() {},
  };
}
