/*
 * Reads a journal as a crash has left it.
 *
 * What was written last and not synced may be lost, cut short, or there in part; behind the first damaged line nothing was
 * ever promised, so it is cut off. Of lines that were synced the same damage means that a disk, or somebody, has changed
 * what was promised: then the journal is refused. What was synced is known from what was written after the sync: a later
 * file, a mark, the lines of a file for its header. Damage to the very last entries is cut off all the same, for that is
 * how a disk looks that said "synced" too early.
 */
import { join } from 'node:path';
import { HoldfastError } from '../../../core/errors.ts';
import type { Files } from './files.ts';
import { segmentName } from './group-commit.ts';
import { type Line, linesIn } from './line.ts';
import { type Entry, format, type JournalRecord, recordIn } from './record.ts';
import { type Segments, tailEntries } from './segments.ts';

/** @internal A place in a journal. */
interface Place {
  /** The name of the file. */
  readonly file: string;
  /** Where the damaged line begins, in bytes. */
  readonly offset: number;
}

/** @internal What was found wrong with a journal that could be opened. */
export interface Damage {
  /** Where it was cut, if what was cut off had been synced; and how many whole entries there were behind that place. */
  readonly cut?: (Place & { readonly entries: number }) | undefined;
  /** What was passed over, when the journal was salvaged. */
  readonly skipped: readonly Place[];
}

/** @internal What a journal has told. */
export interface Recovered {
  /** The number of its last file; 0 when there is none. */
  readonly last: number;
  /** The number of the next file. */
  readonly next: number;
  /** No fence is higher. */
  readonly fences: number;
  readonly damage: Damage;
}

/** @internal */
export interface RecoveryOptions {
  readonly files: Files;
  readonly folder: string;
  /** Whether to pass over what is damaged, and read on. */
  readonly salvage: boolean;
  readonly segments: Segments;
  readonly replay: (entry: Entry) => void;
}

const fileName = /^(\d{12})\.journal$/;

/** @internal More fences than fit into a file. */
export const fencesOfFile = 2 ** 32;

/** A cut that may have to be made, and what speaks for it. */
interface Cut {
  readonly segment: number;
  readonly offset: number;
  /** Entries that come after it and are whole. */
  entries: number;
  /** Whether something after it says that it was synced. */
  wasSynced: boolean;
}

/**
 * @internal Replays what is there; cuts off what was never promised.
 *
 * @throws {@link HoldfastError} `STORE_FAILED` when something is damaged that was synced, and is not to be salvaged
 */
export async function recover({ files, folder, salvage, segments, replay }: RecoveryOptions): Promise<Recovered> {
  const numbers = (await files.list(folder)).flatMap((name) => fileName.exec(name)?.[1] ?? []).map(Number);
  numbers.sort((a, b) => a - b);
  const skipped: Place[] = [];
  let cut: Cut | undefined;
  let fences = 0;
  let before: number | undefined;
  for (const segment of numbers) {
    const file = segmentName(segment);
    if (cut === undefined) segments.begin(segment);
    for (const line of linesOf(await files.read(join(folder, file)))) {
      const { offset, end } = line;
      const record = line.payload === undefined ? undefined : recordIn(line.payload);
      if (record?.kind === 'header') {
        if (record.format !== format) throw unknownFormat(folder, file, record.format);
        fences = Math.max(fences, record.fences);
      }
      if (record === undefined || !isInPlace(record, offset, segment, before)) {
        if (salvage) {
          skipped.push({ file, offset });
          segments.condemn(segment);
        } else cut ??= { segment, offset, entries: 0, wasSynced: false };
      }
      if (record === undefined) continue;
      if (cut !== undefined) weigh(cut, record, segment);
      else if (record.kind !== 'header' && record.kind !== 'mark') {
        take(record, end - offset, segments);
        replay(record);
      }
    }
    before = segment;
  }
  const next = (numbers.at(-1) ?? 0) + 1;
  if (cut === undefined) return { last: before ?? 0, next, fences, damage: { skipped } };
  if (cut.wasSynced && cut.entries >= tailEntries) throw damaged(folder, cut);
  if (cut.offset === 0) segments.retract();
  const { last, removed } = await cutOff(cut, numbers, files, folder);
  const { wasSynced, offset, entries } = cut;
  const lost = wasSynced ? { file: segmentName(cut.segment), offset, entries } : undefined;
  return { last, next, fences: fences + removed * fencesOfFile, damage: { cut: lost, skipped } };
}

/** A file without lines never got its header. */
function* linesOf(bytes: Buffer): Iterable<Line> {
  if (bytes.length === 0) yield { offset: 0, end: 0, payload: undefined };
  yield* linesIn(bytes);
}

/** Whether a record is where it belongs: a header, and nothing else, at the beginning, behind the right file. */
function isInPlace(record: JournalRecord, offset: number, segment: number, before: number | undefined): boolean {
  if (record.kind !== 'header') return offset > 0;
  return offset === 0 && record.segment === segment && (before === undefined || record.after === before);
}

/** What a whole record says about a cut before it. */
function weigh(cut: Cut, record: JournalRecord, segment: number): void {
  if (record.kind === 'header') cut.wasSynced ||= segment > cut.segment;
  else if (record.kind === 'mark') cut.wasSynced ||= segment === cut.segment && record.synced > cut.offset;
  else {
    cut.entries++;
    cut.wasSynced ||= cut.offset === 0; // no entry is written before its file's header is synced
  }
}

function take(entry: Entry, bytes: number, segments: Segments): void {
  if (entry.kind === 'keep') segments.keep(entry.key, bytes);
  else if (entry.kind === 'note') segments.note(bytes);
  else segments.forget(entry.key, bytes);
}

/**
 * The newest goes first, and what is damaged stays until it is sure that nothing comes after it: however far this gets, the
 * next one to recover finds the same beginning.
 */
async function cutOff(
  { segment, offset }: Cut,
  numbers: readonly number[],
  files: Files,
  folder: string,
): Promise<{ readonly last: number; readonly removed: number }> {
  const kept = numbers.filter((number) => number < segment || (number === segment && offset > 0));
  const gone = numbers.slice(kept.length);
  for (const number of gone.toReversed()) await files.remove(join(folder, segmentName(number)));
  if (gone.length > 0) await files.syncFolder(folder);
  if (offset > 0) await files.truncate(join(folder, segmentName(segment)), offset);
  return { last: kept.at(-1) ?? 0, removed: gone.length };
}

function damaged(folder: string, { segment, offset, entries }: Cut): HoldfastError {
  return new HoldfastError(
    'STORE_FAILED',
    `the journal in ${folder} is damaged: ${segmentName(segment)} at byte ${String(offset)}, with ` +
      `${String(entries)} whole entries behind it; salvage: true reads what can be read`,
  );
}

function unknownFormat(folder: string, file: string, found: number): HoldfastError {
  const text = `${file} in ${folder} is of format ${String(found)}; this version knows ${String(format)}`;
  return new HoldfastError('UNSUPPORTED', text);
}
