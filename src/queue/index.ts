/**
 * A work queue with elastic workers.
 *
 * @module holdfast/queue
 */
export type { WorkerBounds } from './elastic/bounds.ts';
export {
  decide,
  type ElasticDecision,
  type ElasticSignals,
  type ElasticState,
  elasticState,
  type ScaleReason,
} from './elastic/law.ts';
export type { ElasticLaw, ElasticOptions } from './elastic/options.ts';
export { type ScaleChange, Scaler, type ScalerHost, type ScalerOptions, type ScalerStats } from './elastic/scaler.ts';
