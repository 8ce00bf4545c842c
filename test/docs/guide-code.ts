/** The code of a guide, for tests that do more with it than to run it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../.ci/subpaths.ts';
import { extract } from './blocks.ts';

export class GuideCode {
  readonly text: string;
  readonly #file: string;
  #folder: string | undefined;
  #modules = 0;

  constructor(file: string) {
    this.#file = file;
    this.text = readFileSync(join(root, file), 'utf8');
  }

  /** The block that declares a name, without what tries it. */
  codeOf(name: string): string {
    const declares = new RegExp(`^export (?:class|function|const) ${name}\\b`, 'm');
    const block = extract(this.#file, this.text).find(({ code }) => declares.test(code));
    if (block === undefined) throw new Error(`${this.#file} declares no ${name}`);
    return block.code.split('\n// To try it:\n')[0]!;
  }

  /** The module of a text of code. Outside node_modules, so that vitest resolves `holdfast` in it. */
  async load<M>(code: string): Promise<M> {
    mkdirSync(join(root, '.cache'), { recursive: true });
    this.#folder ??= mkdtempSync(join(root, '.cache/guide-code-'));
    const path = join(this.#folder, `module-${String(this.#modules++)}.ts`);
    writeFileSync(path, code);
    return (await import(path)) as M;
  }

  close(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}
