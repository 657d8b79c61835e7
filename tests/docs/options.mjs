#!/usr/bin/env node
/* The tables of options in docs/operate.md, from `haggle serve --help`. `HAGGLE_BIN=… node tests/docs/options.mjs` writes them. */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const PAGE = new URL("../../docs/operate.md", import.meta.url);

/** What `--help` says: `[{group, flag, value, text, default}]`, in its order. */
export function options(help) {
  const found = [];
  let group;
  for (const line of help.split("\n")) {
    const heading = /^(\w[\w ]*):$/.exec(line);
    if (heading) group = heading[1];
    const option = /^ {2,}(?:-\w, )?(--[\w-]+)(?: (<[^>]+>))?(?: {2,}(.*))?$/.exec(line);
    if (option) found.push({ group, flag: option[1], value: option[2] ?? "", text: option[3] ?? "" });
    else if (/^ {10,}\S/.test(line) && found.length > 0) found.at(-1).text = `${found.at(-1).text} ${line.trim()}`.trim();
  }
  return found
    .filter(({ flag }) => flag !== "--help")
    .map(({ text, ...option }) => ({
      ...option,
      default: /\[default: ([^\]]*)\]/.exec(text)?.[1] ?? "",
      text: text.replace(/ ?\[(default|env): ?[^\]]*\]/g, ""),
    }));
}

export const help = (binary) => execFileSync(binary, ["serve", "--help"], { encoding: "utf8", env: {} });

const cell = (text) => text.replace(/\|/g, "\\|").replace(/</g, "&lt;");

/** The table of a group. The variable and the key are not in it: both follow from the flag. */
export function table(group, all) {
  const rows = all.filter((option) => option.group === group).map(({ flag, value, text, default: usual }) => `| \`${flag}${value && ` ${value}`}\` | ${cell(text)} | ${cell(usual)} |`);
  return ["| option | what it is for | default |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

const PLACE = /(<!-- options: ([\w ]+) -->\n)[^]*?(<!-- end -->)/g;

/** The page with the tables in their places. */
export const filled = (page, all) => page.replace(PLACE, (_, begin, group, end) => begin + table(group, all) + end);

/** The groups that have a place on the page. */
export const places = (page) => [...page.matchAll(PLACE)].map(([, , group]) => group);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const page = readFileSync(PAGE, "utf8");
  writeFileSync(PAGE, filled(page, options(help(process.env.HAGGLE_BIN ?? "target/debug/haggle"))));
}
