import { HoldfastError } from '../core/errors.ts';
import { invalid } from '../core/options.ts';
import type { Depot, DepotHost } from './depot.ts';
import { MemoryDepot } from './memory-depot.ts';
import type { Room } from './queue-store.ts';
import type { Settings } from './settings.ts';
import { StoreDepot } from './store-depot.ts';
import { MemoryQueueStore } from './stores/memory.ts';

/**
 * @internal The way to the store of a queue: the short one where the store is in this process's memory.
 *
 * @throws {@link HoldfastError} `UNSUPPORTED` for what the store cannot do, `INVALID_OPTION`
 */
export function depotOf<D>(settings: Settings<D>, host: DepotHost): Depot<D> {
  const { store, overflow, maxQueued, leaseMs, runtime } = settings;
  if ((overflow === 'dropOldest' || overflow === 'dropLowest') && !store.caps.drop) {
    throw new HoldfastError('UNSUPPORTED', `the store of this queue cannot do overflow "${overflow}": see its caps`);
  }
  if (leaseMs > store.caps.maxLeaseMs)
    throw invalid('lease.ms', `<= ${String(store.caps.maxLeaseMs)}, the store's`, leaseMs);
  const room: Room = { max: maxQueued, overflow: overflow === 'wait' ? 'reject' : overflow };
  if (store instanceof MemoryQueueStore) return new MemoryDepot(store as MemoryQueueStore<D>, room, runtime);
  return new StoreDepot(settings, room, host);
}
