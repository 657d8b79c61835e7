import assert from "node:assert/strict";
import { cp, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Consumer, SOURCE, tsc } from "./support/package.js";

/* The types, as a project that has installed the package sees them. */

const HERE = fileURLToPath(new URL(".", import.meta.url));
const STRICT = { noEmit: true, strict: true, noUncheckedIndexedAccess: true, target: "ES2022" };
const BROWSER = { ...STRICT, lib: ["ES2022", "DOM", "DOM.Iterable"], types: [] };

let consumer;

before(async () => {
  consumer = await Consumer.install();
  await cp(join(HERE, "types"), consumer.folder, { recursive: true });
  await symlink(join(HERE, "node_modules/@types"), join(consumer.folder, "node_modules/@types"));
  await symlink(join(HERE, "node_modules/undici-types"), join(consumer.folder, "node_modules/undici-types"));
});
after(() => consumer?.remove());

/** What the compiler says about files of the consumer's. */
async function compile(compilerOptions, ...files) {
  await consumer.write("tsconfig.json", JSON.stringify({ compilerOptions, files }));
  return tsc(consumer.folder, "-p", ".");
}

for (const [moduleResolution, module] of [
  ["NodeNext", "NodeNext"],
  ["Bundler", "ESNext"],
]) {
  test(`a strict project compiles with the resolution ${moduleResolution}, and mistakes don't`, async () => {
    assert.deepEqual(await compile({ ...BROWSER, module, moduleResolution }, "consumer.ts", "mistakes.ts"), []);
  });
}

test("a project for Node.js compiles without the browser's types", async () => {
  assert.deepEqual(await compile({ ...STRICT, lib: ["ES2022"], types: ["node"], module: "NodeNext" }, "node.ts"), []);
});

test("the consumer uses every export", async () => {
  const code = await readFile(join(HERE, "types/consumer.ts"), "utf8");
  const declared = await Promise.all(["index", "types"].map((name) => consumer.read(`types/${name}.d.ts`)));
  const names = declared.flatMap((text) => [...text.matchAll(/^export (?:class|interface|type|const|function) (\w+)/gm)].map(([, name]) => name));
  assert.ok(names.length > 45, `${names}`);
  assert.deepEqual(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(code)), []);
  // And what is there at run time is what is declared.
  const values = declared.flatMap((text) => [...text.matchAll(/^export (?:class|const|function) (\w+)/gm)].map(([, name]) => name));
  assert.deepEqual(Object.keys(await consumer.import()).sort(), values.sort());
});

test("the sources are what the types say, and have no member that the types lack", async () => {
  assert.deepEqual(await tsc(SOURCE, "-p", ".", "--noEmit"), []);
  assert.deepEqual(await tsc(HERE, "-p", "types/tsconfig.conformance.json"), []);
});
