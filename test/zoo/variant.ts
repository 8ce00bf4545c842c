/** A mistake in our own code, as somebody good might make it, and the tests that must not let it pass. */
export interface Variant {
  /** `folder/name`. */
  readonly id: string;
  /** What is wrong, in one sentence. */
  readonly mistake: string;
  /** Who made it: a public issue of a peer, or a commit of ours that mended it. */
  readonly known?: string;
  /** The source file, from the root of the repository. */
  readonly file: string;
  /** What the file says, exactly once … */
  readonly search: string;
  /** … and what it says in the variant. */
  readonly replace: string;
  /** The test files that are run, from the root. One test of them at least must fail, by an assertion. */
  readonly tests: readonly string[];
  /** Only tests whose name matches this. */
  readonly only?: string;
}

/** The text of a file with a variant in it. Throws unless the text to replace is there exactly once. */
export function planted(source: string, { id, file, search, replace }: Variant): string {
  const parts = source.split(search);
  if (parts.length !== 2)
    throw new Error(`${id}: its text is in ${file} ${String(parts.length - 1)} times, and must be there once`);
  return parts.join(replace);
}
