import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { HoldfastError, isHoldfastError } from 'holdfast';

const require = createRequire(import.meta.url);
const { exports: entries } = require('holdfast/package.json');

const classes = new Map();
for (const key of Object.keys(entries).filter((entry) => entry !== './package.json')) {
  const specifier = `holdfast${key.slice(1)}`;
  const module = await import(specifier);
  for (const [name, value] of Object.entries(module)) {
    if (typeof value !== 'function' || !/^class\b/.test(String(value))) continue;
    assert.equal(classes.get(name) ?? value, value, `${specifier} has its own copy of ${name}`);
    classes.set(name, value);
  }
  assert.deepEqual(
    Object.keys(module).sort(),
    Object.keys(require(specifier)).sort(),
    `${specifier}: ESM and CommonJS`,
  );
}
assert.equal(classes.get('HoldfastError'), HoldfastError);

// The two formats are two copies, which recognise each other's errors.
const other = require('holdfast');
assert.notEqual(other.HoldfastError, HoldfastError);
assert.ok(isHoldfastError(new other.HoldfastError('CLOSED', 'from CommonJS')));
assert.ok(other.isHoldfastError(new HoldfastError('CLOSED', 'from ESM')));
