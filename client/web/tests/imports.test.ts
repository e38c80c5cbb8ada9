/** Checks the imports of `src`: they follow the column "may import" of the table in README.md, and form no circle. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { modulesIn, parseModule, WEB, type Module } from './source.ts';

const isTest = ({ path }: Module): boolean => /\.test\.tsx?$/.test(path);
const everything = ['src', 'tests', 'bench'].flatMap(modulesIn);
const source = everything.filter((module) => module.path.startsWith('src/') && !isTest(module) && !module.path.endsWith('.d.ts'));

/** An import: the importing file, and the imported one. */
type Arrow = readonly [from: string, to: string];
const arrows: readonly Arrow[] = source.flatMap(({ path, imports }) => imports.map(({ target }): Arrow => [path, target]));

/** Returns the part of `src` that a file belongs to: `pages/` for `src/pages/audit/AuditPage.tsx`, `failure.ts` for `src/failure.ts`. */
const partOf = (path: string): string => path.replace(/^src\//, '').replace(/\/.*$/, '/');

/** Reads the table: for each part of `src`, the parts that it may import. */
function readTable(markdown: string): ReadonlyMap<string, ReadonlySet<string>> {
  const table = new Map<string, ReadonlySet<string>>();
  const [, text = ''] = markdown.split('| may import |\n');
  for (const row of text.split('\n\n')[0]?.split('\n').slice(1) ?? []) {
    const [, name = '', , allowed = ''] = row.split('|');
    const named = (cell: string): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
    const own = new Set(named(allowed));
    for (const part of named(name)) table.set(part, own);
  }
  return table;
}

/** Returns the imports that the table does not allow. */
function forbidden(table: ReadonlyMap<string, ReadonlySet<string>>, all: readonly Arrow[]): readonly string[] {
  return all
    .filter(([from, to]) => partOf(from) !== partOf(to) && !table.get(partOf(from))?.has(partOf(to)))
    .map(([from, to]) => `${from} must not import ${to}: ${partOf(from)} may not import ${partOf(to)}`);
}

/** Returns a circle of imports as the list of its nodes; `null` if there is none. */
function circleIn(all: readonly Arrow[]): readonly string[] | null {
  const next = new Map<string, string[]>();
  for (const [from, to] of all) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const walk = (node: string, path: readonly string[]): readonly string[] | null => {
    const at = path.indexOf(node);
    if (at >= 0) return [...path.slice(at), node];
    if (done.has(node)) return null;
    for (const to of next.get(node) ?? []) {
      const circle = walk(to, [...path, node]);
      if (circle) return circle;
    }
    done.add(node);
    return null;
  };
  for (const node of next.keys()) {
    const circle = walk(node, []);
    if (circle) return circle;
  }
  return null;
}

/** Returns, for each folder, the imports between its direct children: its files, and its folders as one node each. */
function betweenChildren(all: readonly Arrow[]): ReadonlyMap<string, readonly Arrow[]> {
  const children = new Map<string, Arrow[]>();
  for (const [from, to] of all) {
    const [a, b] = [from.split('/'), to.split('/')];
    const depth = a.findIndex((name, index) => name !== b[index]);
    if (depth < 0) continue;
    const folder = a.slice(0, depth).join('/');
    children.set(folder, [...(children.get(folder) ?? []), [a.slice(0, depth + 1).join('/'), b.slice(0, depth + 1).join('/')]]);
  }
  return children;
}

test('every import names a file', () => {
  expect(arrows.length).toBeGreaterThan(1_000);
  expect(arrows.filter(([, to]) => !existsSync(join(WEB, to)))).toEqual([]);
});

test('every import is allowed by the table of README.md', () => {
  const table = readTable(readFileSync(join(WEB, 'README.md'), 'utf8'));
  const parts = new Set(source.map(({ path }) => partOf(path)));
  expect([...parts].filter((part) => !table.has(part))).toEqual([]);
  expect([...table.keys()].filter((part) => part !== 'styles/' && !parts.has(part))).toEqual([]);
  expect(forbidden(table, arrows)).toEqual([]);
});

test('no page imports another page', () => {
  const pageOf = (path: string): string | undefined => /^src\/pages\/([^/]+)/.exec(path)?.[1];
  expect(arrows.filter(([from, to]) => pageOf(from) && pageOf(to) && pageOf(from) !== pageOf(to))).toEqual([]);
});

test('no files import each other in a circle', () => {
  expect(circleIn(arrows)).toBeNull();
});

test('no folders import each other in a circle', () => {
  for (const [folder, between] of betweenChildren(arrows)) expect(circleIn(between), `in ${folder}/`).toBeNull();
});

test('every export is imported by another file', () => {
  const used = new Map<string, ReadonlySet<string>>();
  const whole = new Map<string, string[]>();
  for (const { path, imports } of everything) {
    for (const { target, names } of imports) {
      if (names) used.set(target, new Set([...(used.get(target) ?? []), ...names]));
      else whole.set(target, [...(whole.get(target) ?? []), path]);
    }
  }
  const isUsed = (path: string, name: string): boolean =>
    used.get(path)?.has(name) === true ||
    // Imported as a whole (`import()`): an importer that uses the name counts.
    (whole.get(path) ?? []).some((importer) => new RegExp(`\\b${name}\\b`).test(readFileSync(join(WEB, importer), 'utf8')));
  expect(source.flatMap(({ path, exports }) => exports.filter((name) => !isUsed(path, name)).map((name) => `${path}: ${name}`))).toEqual(
    [],
  );
});

test.each([
  ["import { a } from './x.ts';", 'src/ui/x.ts'],
  ["import type { A } from '../x.ts';", 'src/x.ts'],
  ["import './x.ts';", 'src/ui/x.ts'],
  ["export { a } from './x.ts';", 'src/ui/x.ts'],
  ["const a = () => import('./x.ts');", 'src/ui/x.ts'],
  ["let a: import('./x.ts').A;", 'src/ui/x.ts'],
  ["new Worker(new URL('./x.worker.ts', import.meta.url));", 'src/ui/x.worker.ts'],
  ["import font from './x.ttf?url';", 'src/ui/x.ttf'],
])('the scan sees %s', (text, target) => {
  expect(parseModule('src/ui/a.ts', text).imports.map((found) => found.target)).toEqual([target]);
});

test('the scan sees what a file exports', () => {
  const text =
    'export const a = 1; export function b() {} export class C {} export interface D {} export type E = 1; const f = 1; export { f as g };';
  expect(parseModule('src/ui/a.ts', text).exports).toEqual(['a', 'b', 'C', 'D', 'E', 'g']);
});

test('an import against the table, a circle of files and a circle of folders are found', () => {
  const table = readTable('| part | what | may import |\n|---|---|---|\n| `ui/` | x | nothing |\n| `data/`, `app/` | x | `ui/` |\n\nText.');
  expect(forbidden(table, [['src/data/a.ts', 'src/ui/b.ts']])).toEqual([]);
  expect(forbidden(table, [['src/ui/b.ts', 'src/data/a.ts']])).toEqual([
    'src/ui/b.ts must not import src/data/a.ts: ui/ may not import data/',
  ]);
  const circle: readonly Arrow[] = [
    ['src/a/x.ts', 'src/a/b/y.ts'],
    ['src/a/b/z.ts', 'src/a/x.ts'],
  ];
  expect(circleIn(circle)).toBeNull();
  expect(circleIn([...circle, ['src/a/b/y.ts', 'src/a/b/z.ts']])).toEqual(['src/a/x.ts', 'src/a/b/y.ts', 'src/a/b/z.ts', 'src/a/x.ts']);
  expect(circleIn(betweenChildren(circle).get('src/a') ?? [])).toEqual(['src/a/x.ts', 'src/a/b', 'src/a/x.ts']);
});
