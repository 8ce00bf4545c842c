/**
 * Sharded services whose hot keys spread: which keys are hot, and how many replicas they get.
 *
 * @module holdfast/sharding
 */
export { type HotKey, HotKeyDetector, type HotKeyDetectorOptions } from './hot-key-detector.ts';
