/*
 * Which file of the journal holds what still matters: what decides when to write a state again, and which file may go.
 *
 * States are written again from the oldest file to the end of the newest, and files go from the oldest on. So an entry
 * that says that a key is gone never outlives the one that says it was there: that one is in the same file or an older one.
 */

/** @internal A file. */
interface Segment {
  readonly number: number;
  bytes: number;
  /** How many keys have their newest whole state here. */
  live: number;
  /** After how many entries of the journal nothing in here mattered any more; meant only while `live` is 0. */
  emptiedAt: number;
}

interface Place {
  readonly segment: Segment;
  readonly bytes: number;
}

/**
 * @internal What damage to so many of the newest entries may take with them is nothing else: a file goes only when what made
 * it superfluous has so many entries behind it.
 */
export const tailEntries = 3;

/** @internal */
export class Segments {
  readonly #segmentBytes: number;
  /** Ascending; the last is written to. */
  readonly #list: Segment[] = [];
  /** Ascending by segment, for a key that is written again moves to the end. */
  readonly #places = new Map<string, Place>();
  #liveBytes = 0;
  #entries = 0;
  #condemned = 0;

  constructor(segmentBytes: number) {
    this.#segmentBytes = segmentBytes;
  }

  /** How many entries there have been. */
  get entries(): number {
    return this.#entries;
  }

  /** The number of the file that is written to; 0 when there is none. */
  get current(): number {
    return this.#list.at(-1)?.number ?? 0;
  }

  /** Whether the file that is written to should be followed by the next. */
  get isFull(): boolean {
    return this.#last.bytes >= this.#segmentBytes;
  }

  /** Whether a condemned file is left. */
  get isCondemned(): boolean {
    return this.#list.length > 0 && this.#list[0]!.number <= this.#condemned;
  }

  /**
   * Whether more than half of what the files hold is dead weight, and it is worth the while: at least two files' worth.
   * Files that may go already do not count, and a small file counts as a quarter of a full one.
   */
  get isWasteful(): boolean {
    let weight = 0;
    for (const { number, live, bytes } of this.#list) {
      if (live > 0 && number <= this.#condemned) return true;
      if (live > 0 || weight > 0) weight += Math.max(bytes, this.#segmentBytes / 4);
    }
    return weight > 2 * Math.max(this.#liveBytes, this.#segmentBytes);
  }

  /** The keys whose states are to be written again: those in the oldest file that has any, if it is not the last one. */
  *oldest(): Generator<string> {
    let segment: Segment | undefined;
    for (const [key, place] of this.#places) {
      segment ??= place.segment;
      if (place.segment !== segment || segment === this.#last) return;
      yield key;
    }
  }

  /** From now on this file is written to. */
  begin(number: number): void {
    this.#list.push({ number, bytes: 0, live: 0, emptiedAt: this.#entries });
  }

  /** A whole state was written. */
  keep(key: string, bytes: number): void {
    this.#wrote(bytes);
    this.#drop(key);
    this.#places.set(key, { segment: this.#last, bytes });
    this.#last.live++;
    this.#liveBytes += bytes;
  }

  /** A change was written. */
  note(bytes: number): void {
    this.#wrote(bytes);
  }

  /** It was written that a key is gone. */
  forget(key: string, bytes: number): void {
    this.#wrote(bytes);
    this.#drop(key);
  }

  /** This file and those before it are to go, whatever they hold. */
  condemn(number: number): void {
    this.#condemned = number;
  }

  /**
   * The oldest file, if it may go.
   *
   * @param synced - how many entries are on the disk
   * @param newest - the number of the newest file that is there
   */
  superfluous(synced: number, newest: number): number | undefined {
    const oldest = this.#list[0];
    if (oldest === undefined || oldest.number >= newest || oldest.live > 0) return undefined;
    const behind = oldest.number <= this.#condemned ? 0 : tailEntries;
    return synced >= oldest.emptiedAt + behind ? oldest.number : undefined;
  }

  /** The file that was begun last is not there: nothing of it could be read. */
  retract(): void {
    this.#list.pop();
  }

  /** The oldest file is gone. */
  removed(): void {
    this.#list.shift();
  }

  get #last(): Segment {
    return this.#list.at(-1)!;
  }

  #wrote(bytes: number): void {
    this.#entries++;
    this.#last.bytes += bytes;
  }

  #drop(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#liveBytes -= place.bytes;
    if (--place.segment.live === 0) place.segment.emptiedAt = this.#entries;
  }
}
