import assert from "node:assert/strict";
import { test } from "node:test";
import { read } from "./pages.js";

/* Each crate that Cargo.toml names has its line in docs/decisions.md, and each line a crate. */

const names = new Set();
let section;
for (const line of read("Cargo.toml").split("\n")) {
  section = /^\[(.*)\]$/.exec(line)?.[1] ?? section;
  const name = /^([\w-]+) = /.exec(line)?.[1];
  if (name && /^(dev-|build-)?dependencies$/.test(section)) names.add(name);
}

const table = read("docs/decisions.md").split("\n| crate | why |\n")[1];
// The column of crates; what stands in parentheses is about them.
const described = new Set(
  table
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
    .flatMap((line) => line.split(" | ")[0].slice(2).replace(/\([^)]*\)/g, "").split(","))
    .map((name) => name.trim())
    .filter(Boolean),
);

test("each dependency has its line", () => {
  assert.ok(names.size > 40, `${names.size} were read`);
  assert.deepEqual([...names].filter((name) => !described.has(name)), []);
});

test("each line is about a dependency", () => assert.deepEqual([...described].filter((name) => !names.has(name)), []));
