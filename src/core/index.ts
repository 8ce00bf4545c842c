/**
 * The kernel that every pattern stands on: time and chance as capabilities, deadlines, errors, events, live values.
 *
 * @module holdfast/core
 */
export { type Clock, systemClock, type Timer } from './clock.ts';
export { Deadline } from './deadline.ts';
export {
  type CodedError,
  type ErrorCode,
  HoldfastError,
  isClosed,
  isDeadlineExceeded,
  isHoldfastError,
  isInvalidOption,
  isUnsupported,
} from './errors.ts';
export { Emitter, type Listener, type Unsubscribe } from './events.ts';
export { currentOf, type Dyn, type Live } from './live.ts';
export { type Random, systemRandom } from './random.ts';
export { type Runtime, systemRuntime } from './runtime.ts';
