/*
 * What goes between a pool and the program in its threads and processes, and how errors cross: as plain records, for a
 * structured clone keeps neither code nor brand, and a class of the user's own loses its name.
 */

import { branded, type ErrorCode, isHoldfastError } from '../../core/errors.ts';
import { type Control, controlError } from '../control.ts';

/** @internal An error as it crosses; what was thrown and is no error crosses as it is. */
export type ErrorRecord =
  | { readonly thrown: unknown }
  | {
      readonly name: string;
      readonly message: string;
      readonly stack?: string | undefined;
      readonly code?: string | number | undefined;
      /** Whether it was an error of holdfast. */
      readonly ours?: boolean | undefined;
      readonly control?: Control | undefined;
      readonly cause?: ErrorRecord | undefined;
      /** Those of an `AggregateError`. */
      readonly errors?: readonly ErrorRecord[] | undefined;
    };

/** @internal To a worker. `seq` tells the runs of a worker apart. */
export type ToWorker =
  | { readonly type: 'load'; readonly url: string; readonly maxHeapBytes: number }
  | {
      readonly type: 'job';
      readonly seq: number;
      readonly id: string;
      readonly attempt: number;
      readonly crashes: number;
      readonly fence: bigint;
      readonly data: unknown;
    }
  | { readonly type: 'abort'; readonly seq: number; readonly reason: ErrorRecord }
  | { readonly type: 'extended'; readonly seq: number; readonly call: number; readonly error?: ErrorRecord };

/** @internal From a worker. `spent`: its heap is larger than it may be. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'unready'; readonly error: ErrorRecord }
  | { readonly type: 'done'; readonly seq: number; readonly value: unknown; readonly spent: boolean }
  | { readonly type: 'failed'; readonly seq: number; readonly error: ErrorRecord; readonly spent: boolean }
  | { readonly type: 'progress'; readonly seq: number; readonly value: unknown }
  | { readonly type: 'extend'; readonly seq: number; readonly call: number; readonly ms: number | undefined }
  /** Nobody has caught an error; `seq` when it is of the job that runs. */
  | { readonly type: 'broken'; readonly seq: number | undefined; readonly error: ErrorRecord };

const builtIn: Readonly<Record<string, ErrorConstructor>> = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }; // prettier-ignore

/** @internal The error that a record tells of. */
export function reviveError(record: ErrorRecord): unknown {
  if ('thrown' in record) return record.thrown;
  const { name, message, stack, code, ours, control, cause, errors } = record;
  const error = make();
  hide('name', error.name === name ? undefined : name);
  hide('stack', stack ?? `${name}: ${message}`);
  hide('cause', cause === undefined ? undefined : reviveError(cause), cause !== undefined);
  if (ours === true) return branded(error, code as ErrorCode);
  if (code !== undefined) Object.assign(error, { code });
  return error;

  function make(): Error {
    if (control !== undefined) return controlError(control, message);
    if (errors !== undefined) return new AggregateError(errors.map(reviveError), message);
    return new (Object.hasOwn(builtIn, name) ? builtIn[name]! : Error)(message);
  }

  function hide(property: string, value: unknown, given = value !== undefined): void {
    if (given) Object.defineProperty(error, property, { value, writable: true, configurable: true });
  }
}

/** @internal A reason of ours on its way to a worker: what it is called and says, for the rest is the worker's to find out. */
export function recordReason(reason: unknown): ErrorRecord {
  try {
    if (reason instanceof Error) {
      const { name, message, code } = reason as Readonly<Record<'name' | 'message' | 'code', unknown>>;
      return {
        name: typeof name === 'string' ? name : 'Error',
        message: typeof message === 'string' ? message : '',
        code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
        ours: isHoldfastError(reason),
      };
    }
    if (typeof reason !== 'object' && typeof reason !== 'function' && typeof reason !== 'symbol')
      return { thrown: reason };
  } catch {
    // A reason that throws when touched is told as one that says nothing.
  }
  return { name: 'AbortError', message: 'This operation was aborted' };
}
