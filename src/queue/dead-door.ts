import { check, type Rule } from '../core/options.ts';
import type { DeadJobs } from './queue-store.ts';

const idsRule: Rule<readonly string[] | undefined> = {
  expected: 'an array of ids',
  accepts: (value) => value === undefined || (Array.isArray(value) && value.every((id) => typeof id === 'string')),
};

/** @internal The dead as a user sees them: a store that is open is asked, for what has been looked at. */
export function deadDoor<D>(dead: DeadJobs<D>, opened: () => Promise<void> | undefined): DeadJobs<D> {
  return {
    async *list() {
      await opened();
      yield* dead.list();
    },
    redrive: async (ids) => {
      check('ids', ids, idsRule);
      await opened();
      return dead.redrive(ids);
    },
    purge: async (ids) => {
      check('ids', ids, idsRule);
      await opened();
      return dead.purge(ids);
    },
  };
}
