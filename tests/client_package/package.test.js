import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { Consumer, SOURCE } from "./support/package.js";

/* What is published. */

/** Of everything that the package exports, minified by esbuild into one module and compressed by gzip, level 9. */
const COMPRESSED_BYTES_MAX = 12_000;

let consumer;

before(async () => (consumer = await Consumer.install()));
after(() => consumer?.remove());

test("the tarball has the sources, their types, the README and the licences, and nothing else", async () => {
  const sources = (await readdir(join(SOURCE, "src"))).map((name) => `src/${name}`);
  const types = (await readdir(join(SOURCE, "types"))).map((name) => `types/${name}`);
  assert.ok(sources.length > 15 && sources.every((name) => name.endsWith(".js")), `${sources}`);
  assert.deepEqual(consumer.files, ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json", ...sources, ...types].sort());
  for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) {
    assert.equal(await consumer.read(name), await readFile(join(SOURCE, "../..", name), "utf8"), name);
  }
});

test("it depends on nothing, and says its own version", async () => {
  const manifest = JSON.parse(await consumer.read("package.json"));
  assert.equal(manifest.dependencies, undefined);
  assert.ok(Object.keys(manifest.peerDependencies).every((name) => manifest.peerDependenciesMeta[name].optional));
  assert.equal(manifest.scripts, undefined, "nothing runs when it is installed");
  assert.equal((await consumer.import()).VERSION, manifest.version);
});

test("it is at most 12,000 bytes, minified and compressed, and works without a DOM", async () => {
  const bundle = async (entry) => {
    await consumer.write("entry.js", entry);
    const { outputFiles } = await build({ absWorkingDir: consumer.folder, entryPoints: ["entry.js"], bundle: true, minify: true, format: "esm", target: "es2022", write: false });
    return outputFiles[0].text;
  };
  const whole = await bundle('export * from "@haggle/client";');
  const bytes = gzipSync(whole, { level: 9 }).length;
  assert.ok(bytes > 5_000 && bytes <= COMPRESSED_BYTES_MAX, `${bytes} bytes`);
  assert.doesNotMatch(whole, /\b(document|window|localStorage|sessionStorage|process|require)\b\s*[.(]/);
  // What is not used is left out by a bundler.
  const little = await bundle('import { HaggleError } from "@haggle/client"; console.log(HaggleError);');
  assert.ok(little.length < whole.length / 5, `${little.length} of ${whole.length}`);
});

test("its modules import each other alone", async () => {
  for (const path of consumer.files.filter((path) => path.endsWith(".js"))) {
    const code = (await consumer.read(path)).replace(/\/\*[^]*?\*\//g, "");
    for (const [, from] of code.matchAll(/\bfrom\s*"([^"]+)"|\bimport\(/g)) assert.match(from ?? "import()", /^\.\/\w+\.js$/, path);
  }
});
