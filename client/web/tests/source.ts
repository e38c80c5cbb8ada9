/** Reads the modules of `src` from the disk: the imports and exports of each. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** The folder of the web app. */
export const WEB = dirname(dirname(fileURLToPath(import.meta.url)));

/** One import. `names` are the imported names; `null` stands for the whole module. */
export interface Import {
  /** Path of the imported file, from the folder of the web app. */
  readonly target: string;
  readonly names: ReadonlySet<string> | null;
}

/** One file. */
export interface Module {
  /** Path from the folder of the web app, with `/`. */
  readonly path: string;
  readonly imports: readonly Import[];
  /** Names that other files can import. */
  readonly exports: readonly string[];
}

/** Reads the modules below a folder of the web app. Generated files are left out. */
export function modulesIn(folder: string): readonly Module[] {
  return readdirSync(join(WEB, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && entry.name !== 'schema.d.ts')
    .map((entry) => relative(WEB, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()
    .map((path) => parseModule(path, readFileSync(join(WEB, path), 'utf8')));
}

/** Reads one module from its text. */
export function parseModule(path: string, text: string): Module {
  const kind = path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, kind);
  const imports: Import[] = [];
  const exports: string[] = [];
  const add = (specifier: ts.Node | undefined, names: ReadonlySet<string> | null): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier) || !specifier.text.startsWith('.')) return;
    imports.push({ target: posix.join(posix.dirname(path), specifier.text.split('?')[0] ?? ''), names });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, importedNames(node, file));
    else if (ts.isExportDeclaration(node)) {
      const elements = node.exportClause && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : null;
      add(node.moduleSpecifier, elements && new Set(elements.map((element) => (element.propertyName ?? element.name).text)));
      exports.push(...(elements ?? []).map((element) => element.name.text));
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, node.qualifier ? new Set([node.qualifier.getText(file)]) : null);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], null);
    } else if (
      ts.isNewExpression(node) &&
      node.expression.getText(file) === 'URL' &&
      node.arguments?.[1]?.getText(file) === 'import.meta.url'
    ) {
      add(node.arguments[0], null);
    }
    exports.push(...exportedNames(node));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { path, imports, exports };
}

/** Returns the names that an import takes. For `import * as api`, returns those that the file uses as `api.name`. */
function importedNames(node: ts.ImportDeclaration, file: ts.SourceFile): ReadonlySet<string> {
  const clause = node.importClause;
  const bindings = clause?.namedBindings;
  const names = new Set<string>(clause?.name ? ['default'] : []);
  if (bindings && ts.isNamedImports(bindings)) {
    for (const element of bindings.elements) names.add((element.propertyName ?? element.name).text);
  } else if (bindings) {
    for (const [, name] of file.text.matchAll(new RegExp(`\\b${bindings.name.text}\\.(\\w+)`, 'g'))) if (name) names.add(name);
  }
  return names;
}

/** Returns the names of a declaration that begins with `export`. */
function exportedNames(node: ts.Node): readonly string[] {
  if (!ts.canHaveModifiers(node) || !ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
  if (ts.isVariableStatement(node))
    return node.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name.text] : []));
  const { name } = node as ts.Node & { readonly name?: ts.Node };
  return name && ts.isIdentifier(name) ? [name.text] : [];
}
