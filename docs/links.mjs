#!/usr/bin/env node
// Fails when a link between the documents of this repository leads nowhere, or when docs/README.md, the index, leaves a
// document out. Links to other sites are not followed.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const index = "docs/README.md";
const documents = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" }).trim().split("\n");

/** A document without its code, in which brackets mean something else. */
const prose = (path) => readFileSync(join(root, path), "utf8").replace(/^```[^]*?^```/gm, "");

/** The anchors that GitHub gives to the headings of a document. */
function anchors(path) {
  const headings = [...prose(path).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
  return new Set(headings.map((heading) => heading.toLowerCase().replace(/[^\p{L}\p{N}\- _]/gu, "").replaceAll(" ", "-")));
}

const faults = [];
const listed = new Set([index]);
for (const path of documents) {
  for (const [, target] of prose(path).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [file, anchor] = target.split("#");
    const to = file === "" ? path : relative(root, resolve(root, dirname(path), file));
    if (path === index) listed.add(to);
    if (!existsSync(join(root, to))) faults.push(`${path}: ${target} leads nowhere`);
    else if (anchor !== undefined && to.endsWith(".md") && !anchors(to).has(anchor)) faults.push(`${path}: ${target} names no heading`);
  }
}
for (const path of documents) {
  if (!listed.has(path)) faults.push(`${index} does not list ${path}`);
}
if (documents.length < 10) faults.push("git lists too few documents");

for (const fault of faults) console.error(`error: ${fault}`);
if (faults.length > 0) {
  console.error("  do: correct the links, or add the document to the index");
  process.exit(1);
}
