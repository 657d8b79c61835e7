import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { filled, help, options, PAGE, places } from "./options.mjs";

/* docs/operate.md has every option, as `haggle serve --help` has it. */

const binary = resolve(process.env.HAGGLE_BIN ?? new URL("../../target/debug/haggle", import.meta.url).pathname);
const all = options(help(binary));
const page = readFileSync(PAGE, "utf8");

test("each option has its group, and each group its heading and its table on the page", () => {
  assert.ok(all.length > 40, `${all.length} options were read`);
  assert.deepEqual(all.filter(({ text }) => !text), []);
  // What every command has is not a group: `--config` has a section.
  const groups = [...new Set(all.map(({ group }) => group))].filter((group) => group !== "Options");
  assert.deepEqual(places(page), groups);
  for (const group of groups) assert.ok(page.includes(`\n## ${group}\n`), `no heading ${group}`);
  assert.deepEqual(all.filter(({ group }) => group === "Options").map(({ flag }) => flag), ["--config"]);
});

test("the tables say what --help says", () => {
  assert.equal(filled(page, all), page, "run: node tests/docs/options.mjs");
});
