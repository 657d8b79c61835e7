import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { exposition, filled, metrics, PAGE, rows, values } from "./metrics.mjs";
import { files, read } from "./pages.js";

/* docs/metrics.md has every metric that a running server exports, as the server describes it, and no other. */

const binary = resolve(process.env.HAGGLE_BIN ?? new URL("../../target/debug/haggle", import.meta.url).pathname);
const all = metrics(await exposition(binary));
const page = readFileSync(PAGE, "utf8");
const named = rows(page);

test("each metric has one row, and each row a metric", () => {
  assert.ok(all.length > 30, `${all.length} metrics were read`);
  assert.deepEqual(named.map(({ name }) => name).sort(), all.map(({ name }) => name).sort());
});

test("the rows say what /metrics says", () => assert.equal(filled(page, all), page, "run: node tests/docs/metrics.mjs"));

test("each row says what to do", () => assert.deepEqual(named.filter(({ advice }) => advice.trim().length < 4), []));

const reasons = all.filter(({ labels }) => "reason" in labels);

test("there are metrics with a reason", () => assert.ok(reasons.length >= 3));

for (const { name, labels } of reasons) {
  test(`each reason of ${name} has one row, and each row a reason`, () => assert.deepEqual(values(page, name).sort(), labels.reason.sort()));
}

test("every other page names only metrics that there are", () => {
  const names = new Set(all.flatMap(({ name, type }) => (type === "histogram" ? ["", "_bucket", "_sum", "_count"] : [""]).map((end) => name + end)));
  const wrong = files()
    .filter((path) => path.endsWith(".md") && path !== "docs/metrics.md")
    .flatMap((path) => [...read(path).matchAll(/`(haggle_[a-z_]+)`/g)].map(([, name]) => `${path}: ${name}`))
    .filter((found) => !names.has(found.split(": ")[1]));
  assert.deepEqual(wrong, []);
});
