import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const SOURCE = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['app', 'components', 'pages', 'ui', 'viewer'];
/** Attributes whose text people read or hear. */
const SPOKEN: ReadonlySet<string> = new Set([
  'aria-label',
  'aria-description',
  'title',
  'placeholder',
  'alt',
  'label',
  'hint',
  'legend',
  'intro',
  'summary',
]);
/** Returns whether a text is meant for people: it has at least two letters in a row, of any alphabet. */
const isText = (text: string): boolean => /\p{L}{2}/u.test(text);

/** Returns every text for people that is written in a component instead of the dictionaries, with its line number. */
function hardCoded(path: string, source: string): readonly string[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const report = (node: ts.Node, text: string): void => {
    const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
    found.push(`${path}:${line + 1} ${JSON.stringify(text.trim())}`);
  };
  const literals = (node: ts.Node): readonly (readonly [ts.Node, string])[] => {
    if (ts.isStringLiteralLike(node)) return [[node, node.text]];
    if (ts.isTemplateExpression(node)) {
      return [[node, [node.head.text, ...node.templateSpans.map((span) => span.literal.text)].join(' ')]];
    }
    if (ts.isConditionalExpression(node)) return [...literals(node.whenTrue), ...literals(node.whenFalse)];
    if (ts.isParenthesizedExpression(node)) return literals(node.expression);
    if (ts.isBinaryExpression(node)) {
      const operator = node.operatorToken.kind;
      if (operator === ts.SyntaxKind.AmpersandAmpersandToken) return literals(node.right);
      const isShown = [ts.SyntaxKind.PlusToken, ts.SyntaxKind.BarBarToken, ts.SyntaxKind.QuestionQuestionToken].includes(operator);
      return isShown ? [...literals(node.left), ...literals(node.right)] : [];
    }
    return [];
  };
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node) && isText(node.text)) report(node, node.text);
    if (ts.isJsxExpression(node) && node.expression && !ts.isJsxAttribute(node.parent)) {
      for (const [literal, text] of literals(node.expression)) if (isText(text)) report(literal, text);
    }
    if (ts.isJsxAttribute(node) && SPOKEN.has(node.name.getText(file)) && node.initializer) {
      const value = ts.isJsxExpression(node.initializer) ? node.initializer.expression : node.initializer;
      for (const [literal, text] of value ? literals(value) : []) if (isText(text)) report(literal, text);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function components(): readonly string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(SOURCE, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.tsx') && !name.endsWith('.test.tsx'))
      .map((name) => join(folder, name)),
  );
}

test('no component holds a text of its own', () => {
  const paths = components();
  expect(paths.length).toBeGreaterThan(50);
  expect(paths.flatMap((path) => hardCoded(path, readFileSync(join(SOURCE, path), 'utf8')))).toEqual([]);
});

test.each([
  ['<p>Hello there</p>', 1],
  ['<p>{"Hello"}</p>', 1],
  ['<p>{open ? "Open" : t("x")}</p>', 1],
  ['<img alt="A cat" />', 1],
  [`<Button label={\`Remove \${name}\`} />`, 1],
  ['<p>{name ?? "Nobody"}</p>', 1],
  ['<p>{open && "Open"}</p>', 1],
  ['<p>{state === "open" && t("x")}</p>', 0],
  ['<p>{t("records.title")}</p>', 0],
  ['<p className="hidden"> · {name}</p>', 0],
])('the scan sees %s', (source, count) => {
  expect(hardCoded('x.tsx', `const x = ${source};`)).toHaveLength(count);
});
