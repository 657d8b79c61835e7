import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { Consumer, SOURCE, tsc } from "./support/package.js";

/*
 * The sizes: the client included, minified by esbuild and compressed by gzip at level 9, without the languages besides English.
 * Each bound is for everything that a page has loaded by then.
 */

/** Loaded when an inbox or a badge is shown. */
const INBOX_BYTES_MAX = 36_000;
/** Loaded when a conversation is shown and can be used: the inbox, the history and the composer, before any dialog is opened. */
const CONVERSATION_BYTES_MAX = 52_000;
/** Everything, including what is loaded when it is first opened: the dialogs, pictures in full, the search, the settings. */
const ALL_BYTES_MAX = 58_000;

let consumer;

before(async () => (consumer = await Consumer.install()));
after(() => consumer?.remove());

test("the tarball has the sources, their types, the README and the licences, and nothing else", async () => {
  const list = async (folder) => (await readdir(join(SOURCE, folder), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(SOURCE.length));
  const sources = [...(await list("src")), ...(await list("types"))];
  assert.ok(sources.length > 40, `${sources}`);
  assert.deepEqual(consumer.files, ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json", ...sources].sort());
  for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) {
    assert.equal(await consumer.read(name), await readFile(join(SOURCE, "../..", name), "utf8"), name);
  }
});

test("it depends on the client of the same version alone, and nothing runs when it is installed", async () => {
  const [manifest, client] = [JSON.parse(await consumer.read("package.json")), JSON.parse(await consumer.read("../client/package.json"))];
  assert.deepEqual(manifest.dependencies, { "@haggle/client": client.version });
  assert.ok(Object.keys(manifest.peerDependencies).every((name) => manifest.peerDependenciesMeta[name].optional));
  assert.equal(manifest.scripts, undefined);
});

test("a strict project compiles, with React and with events and properties of elements, and mistakes don't", async () => {
  await consumer.write("consumer.tsx", await readFile(new URL("types/consumer.tsx", import.meta.url), "utf8"));
  for (const [moduleResolution, module] of [["NodeNext", "NodeNext"], ["Bundler", "ESNext"]]) {
    const options = { noEmit: true, strict: true, target: "ES2022", lib: ["ES2022", "DOM", "DOM.Iterable"], types: ["react"], jsx: "react-jsx", module, moduleResolution };
    assert.deepEqual(await consumer.compile(options, "consumer.tsx"), [], moduleResolution);
  }
});

test("the sources are what their types say", async () => {
  assert.deepEqual(await tsc(SOURCE), []);
});

test("it can be imported and rendered by React where there is no DOM", async () => {
  const html = await consumer.run(`
    import { createElement } from "react";
    import { renderToString } from "react-dom/server";
    import { HaggleConversation } from "@haggle/components/react";
    const { HaggleNotifications } = await import("@haggle/components/react/notifications");
    console.log(renderToString(createElement(HaggleNotifications, { room: "r", tokenUrl: "/chat-token" })));
    console.log(renderToString(createElement(HaggleConversation, { server: "https://chat.example", tokenUrl: "/chat-token", room: "r", back: true, onNavigate() {} })));
  `);
  assert.equal(html, '<haggle-notifications room="r" token-url="/chat-token"></haggle-notifications>\n<haggle-conversation server="https://chat.example" token-url="/chat-token" room="r" back=""></haggle-conversation>');
});

test("an inbox is at most 36,000 bytes, minified and compressed, with a conversation 52,000, and everything 58,000", async () => {
  await consumer.write("entry.js", 'import "@haggle/components";');
  const { outputFiles, metafile } = await build({ absWorkingDir: consumer.folder, entryPoints: ["entry.js"], bundle: true, minify: true, format: "esm", target: "es2022", outdir: "out", splitting: true, write: false, metafile: true });
  const chunks = Object.keys(metafile.outputs);
  /** The chunk of a module, and those that it imports statically: a browser loads them together. */
  const loadedWith = (module, found = new Set()) => {
    const load = (path) => {
      if (found.has(path)) return;
      found.add(path);
      for (const { kind, path: imported } of metafile.outputs[path].imports) if (kind === "import-statement") load(imported);
    };
    load(chunks.find((path) => metafile.outputs[path].entryPoint?.endsWith(module)));
    return found;
  };
  const bytes = (paths) => gzipSync(outputFiles.filter(({ path }) => [...paths].some((chunk) => path.endsWith(`/${chunk}`))).map(({ text }) => text).join("\n"), { level: 9 }).length;
  const inbox = loadedWith("entry.js");
  const conversation = loadedWith("/ui/conversation.js", new Set(inbox));
  const all = chunks.filter((path) => !/\/(ko|de)-\w+\.js$/.test(path));
  const sizes = [inbox, conversation, all].map(bytes);
  const [inboxBytes, conversationBytes, allBytes] = sizes;
  assert.ok(inboxBytes > 20_000 && inboxBytes <= INBOX_BYTES_MAX, `${sizes} bytes`);
  assert.ok(conversationBytes > inboxBytes && conversationBytes <= CONVERSATION_BYTES_MAX, `${sizes} bytes`);
  assert.ok(allBytes > conversationBytes && allBytes <= ALL_BYTES_MAX, `${sizes} bytes`);
});

test("it builds no markup, style or code from text", async () => {
  for (const path of consumer.files.filter((path) => /^src\/.*\.js$/.test(path) && !path.includes("/vendor/"))) {
    const code = (await consumer.read(path)).replace(/\/\*[^]*?\*\//g, "");
    assert.doesNotMatch(code, /\b(innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|eval|new Function|document\.write)\b|style=\$?["{]/, path);
    // Where one is and what the window is called are the page's own.
    assert.doesNotMatch(code, /\blocation\.(hash|assign|replace)|\bhistory\.|document\.title/, path);
  }
});

test("Korean is complete, with words for warnings, and German says nothing that English does not", async () => {
  const keys = (strings, prefix = "") => Object.entries(strings).flatMap(([name, value]) => (typeof value === "object" ? keys(value, `${prefix}${name}.`) : [prefix + name]));
  const listed = JSON.parse(
    await consumer.run(`
      const all = await Promise.all(["en", "ko", "de"].map(async (code) => (await import("@haggle/components/languages/" + code))[code]));
      const keys = ${keys};
      console.log(JSON.stringify(all.map((strings) => keys(strings))));
    `),
  );
  const [en, ko, de] = listed.map((names) => names.sort());
  assert.ok(en.length > 120);
  // What the server itself says in English needs no English words here.
  const notices = ["notices.support_joined", "notices.support_left", "notices.warning"];
  assert.deepEqual(ko.filter((name) => !notices.includes(name)), en);
  assert.deepEqual(ko.filter((name) => notices.includes(name)), notices);
  assert.deepEqual(de.filter((name) => !en.includes(name)), []);
});
