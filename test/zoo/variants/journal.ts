import type { Variant } from '../variant.ts';

const crash = ['test/queue/journal/crash.test.ts'];
const recovery = ['test/queue/journal/recovery.prop.test.ts'];

export const journal: readonly Variant[] = [
  {
    id: 'journal/headless-file-counted',
    mistake:
      'A file that never got its header is removed, and counted all the same: no old file can be removed any more.',
    known: 'ours, c89ad17',
    file: 'src/queue/stores/journal/recovery.ts',
    search: 'if (cut.offset === 0) segments.retract();',
    replace: '',
    tests: crash,
  },
  {
    id: 'journal/name-not-synced',
    mistake: 'A new file is synced and its name in the folder is not: after a power loss it is gone.',
    file: 'src/queue/stores/journal/group-commit.ts',
    search: `    await files.syncFolder(folder);
    this.#segment = segment;`,
    replace: '    this.#segment = segment;',
    tests: crash,
  },
  {
    id: 'journal/told-before-synced',
    mistake: 'A job is accepted when it was written, before it was synced.',
    file: 'src/queue/stores/journal/group-commit.ts',
    search: "if (fsync === 'os') batch.synced.resolve();",
    replace: 'batch.synced.resolve();',
    tests: crash,
  },
  {
    id: 'journal/torn-line-believed',
    mistake: 'A line is whole when its length is right, whatever its checksum says.',
    file: 'src/queue/stores/journal/line.ts',
    search: "const isWhole = line.toString('latin1', 0, headBytes) === head(payload.length, crc32(payload));",
    replace: "const isWhole = line.toString('latin1', 0, 8) === head(payload.length, 0).slice(0, 8);",
    tests: ['test/queue/journal/line.prop.test.ts'],
  },
  {
    id: 'journal/old-file-goes-early',
    mistake: 'An old file is removed when its states were written again, before that was synced.',
    file: 'src/queue/stores/journal/segments.ts',
    search: 'return synced >= oldest.emptiedAt + behind ? oldest.number : undefined;',
    replace: 'return synced >= 0 ? oldest.number : undefined;',
    tests: crash,
  },
  {
    id: 'journal/sync-tried-again',
    mistake:
      'After a sync that failed it is tried again, and its success is believed: what the kernel dropped is lost.',
    known: 'PostgreSQL, "fsyncgate" (2018)',
    file: 'src/queue/stores/journal/group-commit.ts',
    search: `    await this.#file!.sync();
    if (this.#failure !== undefined) return;`,
    replace: `    await this.#file!.sync().catch(() => this.#file!.sync());
    if (this.#failure !== undefined) return;`,
    tests: ['test/queue/journal/failures.test.ts', ...recovery],
  },
  {
    id: 'journal/fences-forgotten',
    mistake: 'What was cut off had fences, and they are given out again.',
    file: 'src/queue/stores/journal/recovery.ts',
    search: 'fences: fences + removed * fencesOfFile,',
    replace: 'fences: 0,',
    tests: [...crash, ...recovery],
  },
  {
    id: 'journal/middle-cut',
    mistake: 'A journal that is damaged in its middle is cut there, with all that was synced behind.',
    file: 'src/queue/stores/journal/recovery.ts',
    search: 'if (cut.wasSynced && cut.entries >= tailEntries) throw damaged(folder, cut);',
    replace: '',
    tests: recovery,
  },
];
