/**
 * Event-driven and coordinated batch processing.
 *
 * @module holdfast/flow
 */
export type { Delivery, Flow } from './delivery.ts';
