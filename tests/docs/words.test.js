import assert from "node:assert/strict";
import { test } from "node:test";
import { files, read, withoutCode } from "./pages.js";

/* README and ARCHITECTURE stay short, and the documents use the words that a reader looks for. */

const words = (path) => read(path).split(/\s+/).filter(Boolean).length;

for (const [path, most] of [["README.md", 900], ["ARCHITECTURE.md", 2_500]]) {
  test(`${path} has at most ${most} words`, () => assert.ok(words(path) <= most, `it has ${words(path)}`));
}

// "opens a second connection": what is counted by it.
const ORDINAL = "(?:one|time|WebSocket|connection|message|change|server|record|token|client|session|tab|node|device)\\b";
// "50 messages a second", "once a second"; but "costs a second".
const TIMES = "second|minute|hour|day|week|month|year";
// "one descriptor a connection", "questions an entry"; but "keeps a session".
const UNITS = "session|room|user|node|connection|address|message|delivery|batch|socket|turn|commit|row|entry|page|side|worker|event|product|partition";
const COUNTED = "one|once|twice|wake-ups?|descriptors?|subjects?|CPU|processor|questions?|deliver(?:y|ies)|rows|events|messages|sessions|sends|connects|lines?|µs|ms|KiB|MiB|bytes|calls|pixels|copies";

const BANNED = [
  [/\banew\b/gi, "again, from scratch"],
  [/\bwho(m)?ever\b/gi, "anyone who, if someone"],
  [/\btold\b/gi, "sent, notified, published"],
  [/\bbeside\b/gi, "in addition to, next to"],
  [/\b(?:is|are|was|were) over\b/gi, "ends, expires, ended"],
  [/(?<!\bgoing )\baway\b/gi, "unreachable, down, offline"],
  // A proxy, a NAT and what ends TLS are in front of something, indeed.
  [/\bbehind\b(?! (?:a|the|your|its|one|haggle's|nginx|what ends)\b[^.]{0,12}(?:prox(?:y|ies)|balancer|NAT|back\b|TLS))(?! haggle's back)(?! proxies)(?! nginx)/gi, "after, later than"],
  [new RegExp(`\\b(?:\\d(?:[\\d,.]*\\d)?|once|twice|delivered|published|CPU|\\w+s) (?<!(?:costs|takes|lasts|as|is|has|this|others) )an? (?:${TIMES})\\b(?! ${ORDINAL})`, "gi"), "per second"],
  [new RegExp(`\\b(?:${COUNTED}) an? (?:${UNITS})\\b`, "gi"), "per room"],
];

const pages = files().filter((path) => /^(?:README|ARCHITECTURE|CONTRIBUTING|SECURITY|CHANGELOG)\.md$|^docs\/[^/]+\.md$/.test(path));

for (const path of pages) {
  test(`the words of ${path}`, () => {
    const lines = withoutCode(read(path)).split("\n");
    const found = lines.flatMap((line, at) => BANNED.flatMap(([pattern, better]) => [...line.matchAll(pattern)].map((match) => `${path}:${at + 1}: "…${line.slice(Math.max(0, match.index - 30), match.index + match[0].length + 20)}…": ${better}`)));
    assert.deepEqual(found, []);
  });
}
