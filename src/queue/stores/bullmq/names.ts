/*
 * Our names as BullMQ takes them. It refuses ids that are numbers or have a colon, keeps its own keys beside the jobs', and
 * PostgreSQL knows neither NUL nor half a surrogate pair.
 */
import { check, type Rule } from '../../../core/options.ts';

/** Begins the id of every job that a store has put. */
const ours = 'j.';
/** Begins, for us, the id of every other one. */
const theirs = 'bullmq:';

const unfit = /[%:\0\p{Surrogate}]/gu;
const escaped = /%([0-9a-f]{4})/g;

/** A text that any backend keeps, and no two are the same. */
function fit(text: string): string {
  return text.replace(unfit, (char) => `%${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** @internal A text for people: what cannot be kept is replaced. */
export function legible(text: string): string {
  return text.replace(/[\0\p{Surrogate}]/gu, '\uFFFD');
}

/** @internal What BullMQ calls a job. */
export function bullId(id: string): string {
  return id.startsWith(theirs) ? id.slice(theirs.length) : ours + fit(id);
}

/** @internal What BullMQ calls jobs that are the same. */
export const bullDedupeId = (id: string): string => ours + fit(id);

/** @internal What we call a job of BullMQ. */
export function ownId(id: string): string {
  if (!id.startsWith(ours)) return theirs + id;
  return id.slice(ours.length).replace(escaped, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
}

const idRule: Rule<string> = {
  expected: `a string that does not begin with ${theirs}`,
  accepts: (value) => typeof value === 'string' && !value.startsWith(theirs),
};

/** @internal The id of a job to put. */
export const checkId = (id: unknown): string => check('id', id, idRule);
