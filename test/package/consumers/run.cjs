const assert = require('node:assert/strict');
const { exports: entries } = require('holdfast/package.json');

const specifiers = Object.keys(entries)
  .filter((key) => key !== './package.json')
  .map((key) => `holdfast${key.slice(1)}`);

const classes = new Map();
for (const specifier of specifiers) {
  for (const [name, value] of Object.entries(require(specifier))) {
    assert.notEqual(value, undefined, `${specifier} exports ${name} without a value`);
    if (typeof value !== 'function' || !/^class\b/.test(String(value))) continue;
    assert.equal(classes.get(name) ?? value, value, `${specifier} has its own copy of ${name}`);
    classes.set(name, value);
  }
}
assert.ok(classes.has('HoldfastError'));
assert.equal(require('holdfast').HoldfastError, require('holdfast/core').HoldfastError);
