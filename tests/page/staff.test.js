/* The desk's modules that need no browser: who is signed in, where one is, how long something lasts, and its words. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { en } from "../../static/staff/languages/en.js";
import { ko } from "../../static/staff/languages/ko.js";
import { addressOf, readPlace, SECTIONS } from "../../static/staff/places.js";
import { longestStep, Samples } from "../../static/staff/samples.js";
import { BAN_SPANS, DECISION_SPANS, MUTE_SPANS, spanEnd } from "../../static/staff/spans.js";
import { problemOf, readToken } from "../../static/staff/token.js";

const NOW = Date.parse("2026-11-29T09:00:00.000Z");

/** A token as it travels; nobody here looks at its signature. */
const tokenOf = (claims) => ["{}", JSON.stringify(claims), "x"].map((part) => Buffer.from(part).toString("base64url")).join(".");

test("a token says for whom it is, in any script, and what is wrong with it", () => {
  const claims = { sub: "mod-17", name: "김민아 🙂", haggle_role: "staff", exp: NOW / 1000 };
  assert.deepEqual(readToken(tokenOf(claims)), { id: "mod-17", name: "김민아 🙂", role: "staff" });
  assert.equal(readToken(tokenOf({ ...claims, name: undefined })).name, "mod-17");
  assert.equal(problemOf(tokenOf(claims)), undefined);
  for (const haggle_role of [undefined, "", "admin", "Staff", true]) assert.equal(problemOf(tokenOf({ ...claims, haggle_role })), "not_staff");
  for (const text of ["", "x", "a.b.c", "..", tokenOf([]), tokenOf("x"), tokenOf({ sub: 1 })]) assert.equal(problemOf(text), "unreadable", text);
});

test("each place has an address that leads back to it, and any address leads somewhere", () => {
  for (const place of [
    { view: "report", id: "42", seq: undefined, filters: {} },
    { view: "report", id: "42", seq: undefined, filters: { state: "decided", category: "scam" } },
    { view: "person", id: "a/b?c#d%e", seq: undefined, filters: {} },
    { view: "conversation", id: "room-1", seq: 17, filters: {} },
    { view: "product", id: "자전거 1", seq: undefined, filters: {} },
    { view: "audit", filters: { userId: "sam & co" } },
    ...SECTIONS.map((view) => ({ view, filters: {} })),
  ]) {
    assert.deepEqual(readPlace(addressOf(place)), place, addressOf(place));
  }
  for (const address of ["", "#", "#/", "#/nowhere", "#/people", "#/__proto__/x", "#/constructor/x", "#/reports?evil=1", "#//"]) {
    assert.deepEqual(readPlace(address), { view: "reports", filters: {} }, address);
  }
  assert.equal(readPlace("#/people/%E0%A4%A").id, "%E0%A4%A");
  assert.equal(readPlace("#/conversations/x/-1e9").seq, undefined);
});

test("what is set for a time ends after it, and nothing else has an end", () => {
  assert.equal(spanEnd("hour", NOW), "2026-11-29T10:00:00.000Z");
  assert.equal(spanEnd("day", NOW), "2026-11-30T09:00:00.000Z");
  assert.equal(spanEnd("month", NOW), "2026-12-29T09:00:00.000Z");
  assert.ok(MUTE_SPANS.every((span) => spanEnd(span, NOW)), "a mute always has an end");
  assert.deepEqual(DECISION_SPANS.filter((span) => !spanEnd(span, NOW)), ["none"]);
  assert.deepEqual(BAN_SPANS.filter((span) => !spanEnd(span, NOW)), ["forever"]);
});

test("both languages say the same things", () => {
  const keysOf = (words, path = "") => Object.entries(words).flatMap(([key, value]) => (typeof value === "object" ? keysOf(value, `${path}${key}.`) : [`${path}${key}: ${typeof value}`]));
  assert.deepEqual(keysOf(ko), keysOf(en));
  assert.deepEqual(ko.keys.list.map(([keys]) => keys), en.keys.list.map(([keys]) => keys));
});

test("each action of the audit log and each category of reports has a name", async () => {
  const read = (path) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
  const actions = [...(await read("src/domain/staff.rs")).matchAll(/^ {4}\w+ = "(\w+)",$/gm)].map(([, name]) => name);
  assert.ok(actions.length > 25);
  for (const words of [en, ko]) assert.deepEqual(Object.keys(words.audit.actions).sort(), [...actions].sort());
  const categories = [...(await read("src/domain/safety.rs")).matchAll(/=> "(\w+)",$/gm)].map(([, name]) => name);
  for (const name of Object.keys(en.categories)) assert.ok(categories.includes(name), name);
  const templates = (await read("src/domain/notice.rs")).match(/pub enum WarningTemplate \{([^}]*)\}/)[1];
  const names = [...templates.matchAll(/^ {4}(\w+),$/gm)].map(([, name]) => name.replace(/(?<!^)[A-Z]/g, "_$&").toLowerCase());
  assert.deepEqual(Object.keys(en.warning.templates), names);
});

/** A look at a node: its messages, and its steps by the bounds 1, 2 and 4 seconds and none. */
const look = (process, seconds, messages, ...counts) => ({
  process,
  at: new Date(NOW + seconds * 1000).toISOString(),
  messages,
  deliveries: 2 * messages,
  threads: [{ thread: "writer", seconds: seconds / 4, buckets: [1, 2, 4, undefined].map((le, index) => ({ le, count: counts[index] })) }],
});

test("what happens on a node shows by two looks at the same start of it", () => {
  const samples = new Samples();
  samples.add(look("a", 0, 100, 1, 1, 1, 1));
  assert.equal(samples.of("a")[0].per, undefined);
  samples.add(look("a", 5, 150, 2, 3, 3, 3));
  assert.deepEqual(samples.of("a")[1].per, { messages: 10, deliveries: 20, threads: { writer: { longest: 2, busy: 0.25 } } });
  samples.add(look("a", 5, 150, 2, 3, 3, 3));
  assert.equal(samples.of("a").length, 2, "the same look");
  samples.add(look("b", 10, 5, 0, 0, 0, 0));
  assert.deepEqual([samples.nodes, samples.of("b")[0].per], [["a", "b"], undefined], "it has begun again");
  samples.add(look("a", 60, 150, 2, 3, 3, 4));
  assert.equal(samples.of("a")[2].per, undefined, "nobody has looked for a minute");
  samples.add(look("b", 609, 6, 0, 0, 0, 0));
  assert.deepEqual([samples.of("a").length, samples.of("b").length], [1, 2], "older ones are forgotten");
  samples.add(look("b", 661, 6, 0, 0, 0, 0));
  assert.deepEqual(samples.nodes, ["b"]);
});

test("the longest step is the last bucket that has got one", () => {
  const buckets = (...counts) => [1, 2, 4, undefined].map((le, index) => ({ le, count: counts[index] }));
  assert.equal(longestStep(buckets(1, 1, 1, 1), buckets(1, 1, 1, 1)), 0);
  assert.equal(longestStep(buckets(1, 1, 1, 1), buckets(2, 2, 2, 2)), 1);
  assert.equal(longestStep(buckets(1, 1, 1, 1), buckets(2, 2, 3, 3)), 4);
  assert.equal(longestStep(buckets(1, 1, 1, 1), buckets(1, 1, 1, 2)), 4, "over all bounds");
});
