#!/usr/bin/env node
// Writes the tables of settings in docs/deploy.md, from what the two servers say about themselves (`--help`). With --check
// it writes nothing and fails when the tables are stale. It needs the debug programs: cargo build --workspace --bins.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const SERVERS = [
  { program: "medlock-api", command: "serve" },
  { program: "medlock-indexer", command: "run" },
];

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const page = join(root, "docs", "deploy.md");
const cache = process.env.MEDLOCK_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "medlock");
const programs = join(process.env.CARGO_TARGET_DIR ?? join(cache, "target"), "debug");

/** Ends the script with two lines: the failure, and what to do. */
function fail(failure, remedy) {
  console.error(`error: ${failure}\n  do: ${remedy}`);
  process.exit(1);
}

/** The help text of a server's command. The environment is empty, because clap prints the values of what is set. */
function help({ program, command }) {
  const path = join(programs, program);
  if (!existsSync(path)) fail(`${path} is missing`, "run: cargo build --locked --workspace --bins");
  return execFileSync(path, [command, "--help"], { encoding: "utf8", env: {} });
}

/**
 * The settings in a help text: flag, environment variable, default, whether it must be given, and the description as one
 * line. A setting begins with the line of its flag; the lines below are indented further.
 */
function settings(text) {
  const usage = /^Usage: (.*)$/m.exec(text)?.[1] ?? fail("the help text has no usage line", "correct docs/settings.mjs");
  const required = usage.replace(/^.*?\[OPTIONS\]/, "");
  const found = [];
  for (const entry of text.split(/^ +(?=(?:-\w, )?--[a-z])/m).slice(1)) {
    const [head, ...lines] = entry.split("\n");
    const flag = /--[a-z-]+/.exec(head)[0];
    if (flag === "--help" || flag === "--version") continue;
    const body = lines.map((line) => line.trim()).join(" ").replace(/\s+/g, " ").trim();
    const variable = /\[env: ([A-Z0-9_]+)=?\]/.exec(body)?.[1];
    if (!variable) fail(`${flag} has no environment variable`, "give it one in the settings of the server");
    found.push({
      flag,
      variable,
      fallback: /\[default: ([^\]]*)\]/.exec(body)?.[1],
      isRequired: required.includes(`${flag} <`),
      description: body.replace(/ ?\[(env|default|possible values): [^\]]*\]/g, "").replace(/ Possible values:/, ".").replace(/\.? - ([a-z]+): /g, ". `$1`: "),
    });
  }
  if (found.length === 0) fail("the help text lists no settings", "correct docs/settings.mjs");
  return found;
}

/** A cell of a table, in which `|` has a meaning. */
const cell = (text) => text.replaceAll("|", "\\|");

function table(server) {
  const rows = settings(help(server)).map(({ variable, flag, fallback, isRequired, description }) => {
    const value = fallback !== undefined ? `\`${fallback}\`` : isRequired ? "must be set" : "";
    return `| \`${variable}\` \`${flag}\` | ${cell(value)} | ${cell(description)} |`;
  });
  return ["| setting | default | meaning |", "|---|---|---|", ...rows].join("\n");
}

let text = readFileSync(page, "utf8");
const before = text;
for (const server of SERVERS) {
  const [begin, end] = [`<!-- settings of ${server.program} -->`, `<!-- end of settings of ${server.program} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) fail(`${relative(root, page)} has no markers for ${server.program}`, `put in ${begin} and ${end}`);
  text = `${text.slice(0, from + begin.length)}\n\n${table(server)}\n\n${text.slice(to)}`;
}

if (text === before) process.exit(0);
if (process.argv.includes("--check")) {
  fail("the tables of settings in docs/deploy.md are stale", "run: node docs/settings.mjs");
}
writeFileSync(page, text);
