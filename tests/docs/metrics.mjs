#!/usr/bin/env node
/* The tables of docs/metrics.md, from `/metrics` of a running server. `HAGGLE_BIN=… node tests/docs/metrics.mjs` writes them: a row
   stays where it is and keeps its last cell. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const PAGE = new URL("../../docs/metrics.md", import.meta.url);

/** What a server that has just started answers to `/metrics`. */
export async function exposition(binary) {
  const folder = mkdtempSync(join(tmpdir(), "haggle-metrics-"));
  const options = ["serve", "--bind", "127.0.0.1:0", "--database-url", join(folder, "haggle.db"), "--jwt-secret", "only for the tests of the documents"];
  const server = spawn(binary, options, { env: {}, stdio: ["ignore", "ignore", "pipe"] });
  try {
    let log = "";
    for await (const chunk of server.stderr.setEncoding("utf8")) {
      log += chunk;
      const address = /listening on (http:\S+)/.exec(log)?.[1];
      if (address) return await (await fetch(`${address}/metrics`)).text();
    }
    throw new Error(`the server did not start: ${log}`);
  } finally {
    if (server.exitCode === null && server.signalCode === null) {
      server.kill();
      await once(server, "exit");
    }
    rmSync(folder, { recursive: true });
  }
}

/** The metrics in it: `[{name, type, unit, labels: {label: [values]}, help}]`. A counter has the name by which it is asked for. */
export function metrics(text) {
  const families = new Map();
  for (const [, keyword, name, rest] of text.matchAll(/^# (HELP|TYPE|UNIT) (\S+) (.*)$/gm)) {
    if (!families.has(name)) families.set(name, { name, unit: "count", labels: {} });
    families.get(name)[keyword.toLowerCase()] = rest;
  }
  for (const [, sample, pairs] of text.matchAll(/^(\w+)\{([^}]*)\} /gm)) {
    const family = families.get(sample.replace(/_(total|bucket|sum|count)$/, "")) ?? families.get(sample);
    for (const [, label, value] of pairs.matchAll(/(\w+)="([^"]*)"/g)) {
      if (label !== "le") family.labels[label] = [...new Set(family.labels[label]).add(value)];
    }
  }
  return [...families.values()].map((family) => ({ ...family, name: family.type === "counter" ? `${family.name}_total` : family.name, help: family.help.replace(/\.$/, "") }));
}

const ROW = /^\| `(haggle_\w+)` \|.*\| ([^|]*) \|$/gm;

/** The rows of the page's tables of metrics: `[{name, advice}]`. */
export const rows = (page) => [...page.matchAll(ROW)].map(([, name, advice]) => ({ name, advice }));

/** The page with each row as the server has it. One that the server does not have stays. */
export const filled = (page, all) =>
  page.replace(ROW, (row, name, advice) => {
    const metric = all.find((known) => known.name === name);
    if (!metric) return row;
    const labels = Object.keys(metric.labels).map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${metric.type} | ${metric.unit} | ${labels} | ${metric.help} | ${advice} |`;
  });

/** The values that the page describes for a metric's label, in the table below `<!-- values: metric -->`. */
export const values = (page, metric) => {
  const table = page.split(`<!-- values: ${metric} -->\n`)[1]?.split("\n\n")[0] ?? "";
  return [...table.matchAll(/^\| `(\w+)` \| \S/gm)].map(([, value]) => value);
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const page = readFileSync(PAGE, "utf8");
  writeFileSync(PAGE, filled(page, metrics(await exposition(process.env.HAGGLE_BIN ?? "target/debug/haggle"))));
}
