import { check, type Rule } from '../core/options.ts';
import type { DeadJobs } from './queue-store.ts';

const idsRule: Rule<readonly string[] | undefined> = {
  expected: 'an array of ids',
  accepts: (value) => value === undefined || (Array.isArray(value) && value.every((id) => typeof id === 'string')),
};

/** @internal The dead as a user sees them: what is asked of the store has been looked at. */
export function deadDoor<D>(dead: DeadJobs<D>): DeadJobs<D> {
  return {
    list: () => dead.list(),
    redrive: async (ids) => dead.redrive(check('ids', ids, idsRule)),
    purge: async (ids) => dead.purge(check('ids', ids, idsRule)),
  };
}
