/** Where in the temporary folder things are. */
import { join } from 'node:path';

/** The leases of the indexers. */
export const leasesIn = (folder: string): string => join(folder, 'leases');
/** The journal of the analyser's queue. */
export const journalIn = (folder: string): string => join(folder, 'journal');
/** The documents that are analysed. */
export const analysesIn = (folder: string): string => join(folder, 'analyses');
