/** Turns blocks into modules that assert what their comments promise, and type-checks such modules. */
import { join } from 'node:path';
import ts from 'typescript';
import { root } from '../../.ci/subpaths.ts';
import type { Block } from './blocks.ts';

/** After a statement, on its line or the next: `// => value`, which goes on in comments indented by two or more. */
const promise = /(?:[ \t]*\n)?[ \t]*\/\/ =>(.*(?:\n[ \t]*\/\/ {2,}.*)*)/y;

/** On the first line, which is the fence's or above it. Not an assertion function: it must not narrow types. */
const head =
  "import { deepStrictEqual as __equal } from 'node:assert/strict'; export {}; " +
  'const __same: (actual: unknown, promised: unknown) => void = __equal;';

/**
 * The module of a block: `expression // => value` becomes a deep comparison, after `const name = …` that of `name`, in
 * `console.log(expression)` that of the expression. A line keeps its number in the file that the block is from, so that
 * errors point there.
 *
 * @throws if a promise belongs to no statement
 */
export function compile({ file, line, code }: Block): string {
  const source = ts.createSourceFile('block.ts', code, ts.ScriptTarget.ES2022, true);
  const edits = new Map<number, { from: number; to: number; text: string }>();
  const visit = (node: ts.Node): void => {
    promise.lastIndex = node.getEnd();
    const value =
      ts.isStatement(node) &&
      promise
        .exec(code)?.[1]
        ?.replaceAll(/\n[ \t]*\/\//g, ' ')
        .trim();
    const edit = value ? assertion(node, value) : undefined;
    // A loop ends where its last statement does: the innermost, visited last, wins.
    if (edit) edits.set(node.getEnd(), edit);
    ts.forEachChild(node, visit);
  };
  visit(source);

  let text = code;
  for (const { from, to, text: inserted } of [...edits.values()].sort((a, b) => b.from - a.from)) {
    text = text.slice(0, from) + inserted + text.slice(to);
  }
  const promised = code.split('\n').filter((each) => each.includes('// =>')).length;
  if (promised !== edits.size) {
    throw new Error(`${file}:${String(line)}: a "// =>" does not follow an expression or a single const`);
  }
  return `${head}${'\n'.repeat(line)}${text}\n`;
}

function assertion(node: ts.Node, value: string): { from: number; to: number; text: string } | undefined {
  if (ts.isExpressionStatement(node)) {
    const { expression } = node;
    const printed =
      ts.isCallExpression(expression) && expression.expression.getText() === 'console.log' ? expression.arguments : [];
    const actual = printed.length === 1 ? printed[0]! : expression;
    return {
      from: expression.getStart(),
      to: expression.getEnd(),
      text: `__same((${actual.getText()}), (${value}));`,
    };
  }
  if (!ts.isVariableStatement(node) || node.declarationList.declarations.length !== 1) return undefined;
  const { name } = node.declarationList.declarations[0]!;
  if (!ts.isIdentifier(name)) return undefined;
  return { from: node.getEnd(), to: node.getEnd(), text: `;__same(${name.text}, (${value}));` };
}

/** Type errors by file, each as `line: message`; one program for all files and `beside`, as strict as the library's own. */
export function typeErrors(files: readonly string[], beside: readonly string[] = []): Map<string, string[]> {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram([...files, ...beside], {
    ...options,
    noUnusedLocals: false,
    noUnusedParameters: false,
  });
  return new Map(
    files.map((file) => {
      const source = program.getSourceFile(file);
      const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      return [file, found.map((diagnostic) => describe(diagnostic))];
    }),
  );
}

function describe({ file, start, messageText }: ts.Diagnostic): string {
  const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
  return `${String(line)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
}
