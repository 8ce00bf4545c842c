import fc from 'fast-check';

/**
 * Texts of any UTF-16 code units, lone surrogates and line breaks included; half of them of the first 256. Like
 * `fc.string({ unit: 'binary' })`, whose table takes a second to build.
 */
export const anyText = (maxLength = 20): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(fc.nat(0xff), fc.nat(0xffff)), { maxLength, size: 'max' })
    .map((units) => String.fromCharCode(...units));
