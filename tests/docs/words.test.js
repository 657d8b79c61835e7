import assert from "node:assert/strict";
import { test } from "node:test";
import { files, read, withoutCode } from "./pages.js";

/* README and ARCHITECTURE stay short, and the documents use the words that a reader looks for. */

const words = (path) => read(path).split(/\s+/).filter(Boolean).length;

for (const [path, most] of [["README.md", 900], ["ARCHITECTURE.md", 2_500]]) {
  test(`${path} has at most ${most} words`, () => assert.ok(words(path) <= most, `it has ${words(path)}`));
}

const UNITS = "second|minute|hour|day|week|month|year|session|room|user|node|connection|address|message|delivery|batch|socket|turn|commit|row";
// A verb that ends in s may stand before these, too: then say it in another way.

const BANNED = [
  [/\banew\b/gi, "again, from scratch"],
  [/\bwho(m)?ever\b/gi, "anyone who, if someone"],
  [/\btold\b/gi, "sent, notified, published"],
  [/\bbeside\b/gi, "in addition to, next to"],
  [/\b(?:is|are|was|were) over\b/gi, "ends, expires, ended"],
  [/(?<!\bgoing )\baway\b/gi, "unreachable, down, offline"],
  // A proxy, a NAT and what ends TLS are in front of something, indeed.
  [/\bbehind\b(?! (?:a|the|your|its|one|haggle's|nginx|what ends)\b[^.]{0,12}(?:prox(?:y|ies)|balancer|NAT|back\b|TLS))(?! haggle's back)(?! proxies)(?! nginx)/gi, "after, later than"],
  // "50 messages a second", "one file descriptor a connection".
  [new RegExp(`\\b(?:\\d[\\d,.]*|once|twice|times|[\\w-]+s|delivered|published|unsubscribed|CPU|one|index) an? (?:${UNITS})\\b(?! (?:time|one|later|after|apart))`, "gi"), "per second, per room"],
];

const pages = files().filter((path) => /^(?:README|ARCHITECTURE|CONTRIBUTING|SECURITY|CHANGELOG)\.md$|^docs\/[^/]+\.md$/.test(path));

for (const path of pages) {
  test(`the words of ${path}`, () => {
    const lines = withoutCode(read(path)).split("\n");
    const found = lines.flatMap((line, at) => BANNED.flatMap(([pattern, better]) => [...line.matchAll(pattern)].map((match) => `${path}:${at + 1}: "…${line.slice(Math.max(0, match.index - 30), match.index + match[0].length + 20)}…": ${better}`)));
    assert.deepEqual(found, []);
  });
}
