/** The titles of the tests of a file, as its source says them. */
import ts from 'typescript';

const roots = new Set(['describe', 'it', 'test']);
/** What is not run proves nothing. */
const idle = new Set(['skip', 'todo']);

/**
 * The titles of `describe`, `it` and `test`, in the order of the source, also of `test.each(…)(title)`, of `describeWith(servers,
 * title)`, and the names of the laws of a conformance suite, which are methods. What a template puts in reads as `…`; a title of
 * `each` is there as it is and, where rows begin with a literal, with that in the place of its first `%s`. A title that is no
 * literal is not found, nor is one under `skip` or `todo`.
 */
export function titlesIn(text: string): string[] {
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const root = rootOf(node.expression);
      if (root === 'idle') return;
      const named = root === 'servers' ? node.arguments[1] : root === 'test' ? node.arguments[0] : undefined;
      const title = named && literal(named);
      if (title !== undefined) titles.push(title, ...rowsOf(node.expression).map((row) => title.replace('%s', row)));
    }
    if (ts.isMethodDeclaration(node) && ts.isStringLiteral(node.name)) titles.push(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('tests.ts', text, ts.ScriptTarget.ES2022, true));
  return titles;
}

function rootOf(callee: ts.Expression): 'test' | 'servers' | 'idle' | undefined {
  if (ts.isIdentifier(callee)) {
    if (callee.text === 'describeWith') return 'servers';
    return roots.has(callee.text) ? 'test' : undefined;
  }
  if (ts.isPropertyAccessExpression(callee)) return idle.has(callee.name.text) ? 'idle' : rootOf(callee.expression);
  // `test.each(rows)(title)`, and `test.each` with a table in a template.
  if (ts.isCallExpression(callee)) return rootOf(callee.expression);
  if (ts.isTaggedTemplateExpression(callee)) return rootOf(callee.tag);
  return undefined;
}

/** The first texts of the rows of `test.each([…])`, where they are literals. */
function rowsOf(callee: ts.Expression): string[] {
  if (!ts.isCallExpression(callee)) return [];
  let [rows] = callee.arguments;
  while (rows && (ts.isAsExpression(rows) || ts.isSatisfiesExpression(rows))) rows = rows.expression;
  if (!rows || !ts.isArrayLiteralExpression(rows)) return [];
  return rows.elements.flatMap((row) => {
    const first = ts.isArrayLiteralExpression(row) ? row.elements[0] : row;
    return (first && literal(first)) ?? [];
  });
}

function literal(node: ts.Expression): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return [node.head.text, ...node.templateSpans.map(({ literal: { text } }) => text)].join('…');
}
