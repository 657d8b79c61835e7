import assert from "node:assert/strict";
import { test } from "node:test";
import { drawn } from "../../docs/diagrams/draw.mjs";
import { read } from "./pages.js";

/* Each picture is what its text says. */

for (const [name, svg] of drawn()) {
  test(name, () => assert.equal(read(`docs/diagrams/${name}`), svg, "run: node docs/diagrams/draw.mjs"));
}
