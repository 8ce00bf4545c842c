import PQueue from 'p-queue';
import type { Gate } from './engine.ts';

/**
 * @internal At most so many starts in a span of time, through p-queue's limiter: what passes through it are permits, one at a
 * time and only while somebody waits for one, so that it never holds a backlog. It is on the platform's time.
 */
export class Rate implements Gate {
  readonly #limiter: PQueue;
  readonly #onPermit: () => void;
  #permits = 0;
  #asked = false;

  constructor({ max, perMs }: { readonly max: number; readonly perMs: number }, onPermit: () => void) {
    this.#limiter = new PQueue({ intervalCap: max, interval: perMs, strict: true });
    this.#onPermit = onPermit;
  }

  tryPass(): boolean {
    if (this.#permits === 0 && !this.#asked) this.#ask();
    if (this.#permits === 0) return false; // else the limiter has answered at once
    this.#permits--;
    return true;
  }

  #ask(): void {
    this.#asked = true;
    void this.#limiter.add(() => {
      this.#asked = false;
      this.#permits++;
      this.#onPermit();
    });
  }

  giveBack(): void {
    this.#permits++;
  }

  close(): void {
    this.#limiter.clear();
    this.#limiter.pause();
  }
}
