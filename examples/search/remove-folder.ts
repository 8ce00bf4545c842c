import { rmSync } from 'node:fs';

const tries = 10;
const pauseMs = 100;

/**
 * Removes a folder into which threads or other processes may be writing for a moment yet: what comes after it was listed would
 * keep it there. Blocks.
 */
export function removeFolder(folder: string): void {
  for (let left = tries; ; left--) {
    try {
      rmSync(folder, { recursive: true, force: true });
      return;
    } catch (error) {
      if (left === 1) throw error;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
  }
}
