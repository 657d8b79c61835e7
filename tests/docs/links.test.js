import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { files, read, ROOT, withoutBlocks } from "./pages.js";

/* Every relative link of every page leads to a file that is there, and to a heading that is there. */

const all = files();
const pages = all.filter((path) => path.endsWith(".md"));

/** The anchors of a page's headings, as GitHub makes them. */
function anchors(path) {
  const seen = new Map();
  return new Set(
    [...withoutBlocks(read(path)).matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading]) => {
      const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, "");
      const anchor = words.toLowerCase().replace(/[^\p{L}\p{N}\p{M} _-]/gu, "").replace(/ /g, "-");
      const times = seen.get(anchor) ?? 0;
      seen.set(anchor, times + 1);
      return times ? `${anchor}-${times}` : anchor;
    }),
  );
}

/** What a page links to: in Markdown, by reference, and in HTML. A text may be broken over lines. */
function targets(text) {
  const plain = withoutBlocks(text).replace(/`[^`\n]*`/g, "``");
  return [/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g, /^\[[^\]]+\]:\s+(\S+)/gm, /(?:src|href)="([^"]+)"/g].flatMap((pattern) => [...plain.matchAll(pattern)].map(([, target]) => target));
}

test("there are pages, with links", () => {
  assert.ok(pages.includes("README.md") && pages.includes("docs/README.md"));
  assert.ok(targets(read("README.md")).length > 10);
});

for (const path of pages) {
  test(`links of ${path}`, () => {
    const broken = [];
    for (const target of targets(read(path))) {
      // An address elsewhere, and GitHub's own pages of the repository, which are no files.
      if (/^[a-z]+:/.test(target) || target.startsWith("../../actions/") || target.startsWith("../../security/")) continue;
      const [file, anchor] = target.split("#");
      const to = file ? normalize(join(dirname(path), decodeURIComponent(file))).replace(/\/$/, "") : path;
      if (!existsSync(join(ROOT, to))) broken.push(`${target}: there is no ${to}`);
      else if (anchor && statSync(join(ROOT, to)).isFile() && to.endsWith(".md") && !anchors(to).has(anchor)) broken.push(`${target}: ${to} has no such heading`);
    }
    assert.deepEqual(broken, []);
  });
}

test("every page of docs/ is in the index", () => {
  const index = targets(read("docs/README.md"));
  const own = pages.filter((path) => /^docs\/[^/]+\.md$/.test(path) && path !== "docs/README.md").map((path) => path.slice("docs/".length));
  assert.deepEqual(own.filter((page) => !index.includes(page)), []);
});

test("a page that source code or a script names is there", () => {
  const text = /\.(rs|js|mjs|ts|py|sh|toml|yml|yaml|conf|md|html)$/;
  const named = all
    .filter((path) => text.test(path) && !path.startsWith("static/vendor/"))
    .flatMap((path) => [...read(path).matchAll(/(?<![\w/.])docs\/[\w-]+\.(?:md|svg)\b/g)].map(([page]) => [path, page]));
  assert.ok(named.length > 20);
  assert.deepEqual(named.filter(([, page]) => !existsSync(join(ROOT, page))), []);
});

test("a source file that ARCHITECTURE, CONTRIBUTING or a decision names is there", () => {
  const missing = [];
  for (const path of ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/decisions.md", "docs/security.md"]) {
    for (const [, file] of read(path).matchAll(/`(?:\.\/)?([\w./-]+\.(?:rs|js|sh|txt|toml))`/g)) {
      if (!all.some((known) => known === file || known.endsWith(`/${file}`))) missing.push(`${path}: ${file}`);
    }
    for (const [, module] of read(path).matchAll(/`(?:tests\/)?it\/(\w+)`/g)) {
      if (!all.some((known) => known === `tests/it/${module}.rs` || known.startsWith(`tests/it/${module}/`))) missing.push(`${path}: it/${module}`);
    }
  }
  assert.deepEqual(missing, []);
});
