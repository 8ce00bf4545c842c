import { HoldfastError, isHoldfastError } from '../core/errors.ts';
import { invalid } from '../core/options.ts';
import type { Hasher } from './hasher.ts';
import type { PlacementJSON, PlacementNode } from './placement.ts';

/** @internal So many characters of JSON are read. */
export const longestText: number = 2 ** 24;
const longestId = 1024;
const longestWord = 100;

/**
 * @internal A copy of data from anywhere, field by field, when it has the shape of a placement's; what the fields mean is for
 * the placement to judge.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`, also for data that throws when touched
 */
export function checkSnapshot(value: unknown, maxNodes: number): PlacementJSON {
  try {
    const { algorithm, version, hasher, seed, options, nodes } = fieldsOf('json', value, [
      'algorithm',
      'version',
      'hasher',
      'seed',
      'options',
      'nodes',
    ]);
    if (!Array.isArray(nodes)) throw invalid('nodes', 'an array', nodes);
    if (nodes.length > maxNodes) throw invalid('nodes', `at most ${String(maxNodes)}`, nodes.length);
    if (typeof version !== 'number') throw invalid('version', 'a number', version);
    return {
      algorithm: word('algorithm', algorithm),
      version,
      hasher: word('hasher', hasher),
      seed: word('seed', seed),
      options: checkOptions(options),
      // By number: an iterator could be the data's own.
      nodes: Array.from({ length: nodes.length }, (_, i) => checkPlainNode(nodes[i])),
    };
  } catch (cause) {
    if (isHoldfastError(cause)) throw cause;
    throw new HoldfastError('INVALID_OPTION', 'json must be plain data, got what cannot be read', { cause });
  }
}

/** @internal Seed and hasher as options, where the data leaves them open. */
export function hasherOf(data: PlacementJSON, hasher: Hasher): { readonly seed?: bigint; readonly hasher?: Hasher } {
  const fixed = data.algorithm === 'ring' ? fixedHasher(data.options['compat']) : undefined;
  const expected = fixed ?? hasher.name;
  if (data.hasher !== expected) throw invalid('hasher', JSON.stringify(expected), data.hasher);
  if (fixed === undefined) return { seed: seedOf(data.seed), hasher };
  if (data.seed !== '0') throw invalid('seed', '"0"', data.seed);
  return {};
}

/** Of the rings that agree with another program, which hash it has. */
function fixedHasher(compat: unknown): string | undefined {
  if (compat === 'envoy') return 'xxh64';
  return compat === 'ketama' ? 'md5' : undefined;
}

function seedOf(text: string): bigint {
  // One form for one seed: what BigInt reads beside that (spaces, 0x, leading zeros) toJSON never writes.
  if (!/^(?:0|[1-9][0-9]{0,19})$/.test(text)) throw invalid('seed', 'a whole number in decimal', text);
  return BigInt(text);
}

function checkOptions(value: unknown): PlacementJSON['options'] {
  const known = ['vnodes', 'compat', 'minRingSize', 'maxRingSize', 'tableSize', 'slots'];
  const options = fieldsOf('options', value, known);
  for (const [name, option] of Object.entries(options)) {
    if (typeof option === 'string') word(name, option);
    else if (typeof option !== 'number') throw invalid(name, 'a number or a string', option);
  }
  return options as PlacementJSON['options'];
}

/** Ids, weights and zones are judged where nodes always are. */
function checkPlainNode(value: unknown): PlacementNode {
  const { id, weight, zone } = fieldsOf('a node', value, ['id', 'weight', 'zone']);
  if (typeof id !== 'string' || id.length > longestId)
    throw invalid('id', `a string of at most ${String(longestId)} characters`, id);
  if (weight !== undefined && typeof weight !== 'number') throw invalid('weight', 'a number', weight);
  if (zone !== undefined && (typeof zone !== 'string' || zone.length > longestId))
    throw invalid('zone', `a string of at most ${String(longestId)} characters`, zone);
  return { id, ...(weight === undefined ? {} : { weight }), ...(zone === undefined ? {} : { zone }) };
}

/** The own fields of an object, none but these, without a prototype. */
function fieldsOf(name: string, value: unknown, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(name, 'an object', value);
  const fields = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) throw invalid(name, `an object with no other fields than ${known.join(', ')}`, key);
    fields[key] = (value as Record<string, unknown>)[key];
  }
  return fields;
}

function word(name: string, value: unknown): string {
  if (typeof value !== 'string' || value.length > longestWord)
    throw invalid(name, `a string of at most ${String(longestWord)} characters`, value);
  return value;
}
