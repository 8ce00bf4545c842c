/** @internal What was seen within a window and may still become its greatest, as plain data: newer entries are smaller. */
export interface WindowMax {
  readonly entries: { readonly atMs: number; readonly value: number }[];
}

/** @internal A window that has seen nothing. */
export const windowMax = (): WindowMax => ({ entries: [] });

/**
 * @internal Adds a value and gives the greatest of the last `windowMs`, the new one among them; what is exactly so old has
 * left. Time that goes back counts as no time. A window that grows does not bring back what has left.
 *
 * Complexity: O(1) amortised in the values; memory for as many entries as there are different values: each is smaller than
 * the one before.
 */
export function greatestWith({ entries }: WindowMax, value: number, nowMs: number, windowMs: number): number {
  const atMs = Math.max(nowMs, entries.at(-1)?.atMs ?? nowMs);
  while (entries.length > 0 && entries.at(-1)!.value <= value) entries.pop();
  entries.push({ atMs, value });
  let left = 0;
  while (atMs - entries[left]!.atMs >= windowMs && left < entries.length - 1) left++;
  if (left > 0) entries.splice(0, left);
  return entries[0]!.value;
}
