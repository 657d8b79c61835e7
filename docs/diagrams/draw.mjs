#!/usr/bin/env node
/* Draws the diagrams of the documentation: each NAME.txt in this folder becomes NAME.svg. Run it after a change: `node docs/diagrams/draw.mjs`.
   It needs Node.js and nothing else. tests/docs compares the files.

   One statement per line, coordinates in pixels; `#` begins a comment:

     size WIDTH HEIGHT "what a screen reader says"
     group X Y WIDTH HEIGHT "title"                   a dashed frame around boxes
     box NAME X Y WIDTH HEIGHT KIND "title" "line" …  KIND is a colour: outside, node, store or plain
     arrow X,Y X,Y … "label" [@ X,Y]                  a line with a head at its end; the label stands at its middle or at X,Y
     both X,Y X,Y … "label" [@ X,Y]                   the same with a head at both ends
     note X Y "text"
*/

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = new URL("./", import.meta.url);

// Readable in GitHub's light and dark mode: the picture brings its own background, and follows the reader's colour scheme.
const STYLE = `
    text { font: 13px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; fill: #1f2328 }
    .title { font-weight: 600 } .small { font-size: 12px; fill: #59636e } .label { font-size: 12px }
    .paper { fill: #ffffff; stroke: #d1d9e0 } .group { fill: none; stroke: #818b98; stroke-dasharray: 5 4 }
    .outside { fill: #ddf4ff; stroke: #0969da } .node { fill: #dafbe1; stroke: #1a7f37 }
    .store { fill: #fff8c5; stroke: #9a6700 } .plain { fill: #f6f8fa; stroke: #818b98 }
    .line { fill: none; stroke: #59636e; stroke-width: 1.5 } .head { fill: #59636e } .under { fill: #ffffff }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc } .small { fill: #9198a1 } .paper, .under { fill: #0d1117 } .paper { stroke: #3d444d } .group { stroke: #656c76 }
      .outside { fill: #121d2f; stroke: #4493f8 } .node { fill: #12261e; stroke: #3fb950 }
      .store { fill: #272115; stroke: #d29922 } .plain { fill: #151b23; stroke: #656c76 }
      .line { stroke: #9198a1 } .head { fill: #9198a1 }
    }`;

const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");

/** What a text of the usual letters takes at 12 pixels, in pixels: for the ground under a label. */
const width = (text) => Math.ceil([...text].length * 6.2) + 6;

/** The words of a line; what stands in quotation marks is one. */
const words = (line) => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare);

const at = (point) => point.split(",").map(Number);

function box(kind, x, y, w, h, [title, ...lines]) {
  const first = y + h / 2 - lines.length * 8.5 + 4.5;
  const rows = [title, ...lines].map((text, row) => `<text class="${row ? "small" : "title"}" x="${x + w / 2}" y="${first + row * 17}" text-anchor="middle">${escape(text)}</text>`);
  return [`<rect class="${kind}" x="${x}" y="${y}" width="${w}" height="${h}" rx="6"/>`, ...rows];
}

function arrow(rest, both) {
  const points = rest.filter((word) => /^-?\d+,-?\d+$/.test(word)).map(at);
  const mark = rest.indexOf("@");
  const place = mark < 0 ? undefined : points.pop();
  const label = rest.find((word) => word !== "@" && !/^-?\d+,-?\d+$/.test(word));
  const [a, b] = points.slice(Math.max(0, Math.floor(points.length / 2) - 1));
  const [x, y] = place ?? [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const line = `<polyline class="line" points="${points.map((point) => point.join(",")).join(" ")}" marker-end="url(#head)"${both ? ' marker-start="url(#head)"' : ""}/>`;
  if (!label) return [line];
  const w = width(label);
  return [line, `<rect class="under" x="${x - w / 2}" y="${y - 9}" width="${w}" height="18"/>`, `<text class="label" x="${x}" y="${y + 4}" text-anchor="middle">${escape(label)}</text>`];
}

/** The picture that a text describes. */
export function draw(text) {
  let size;
  const parts = [];
  const labels = [];
  for (const line of text.split("\n").filter((line) => line.trim() && !line.startsWith("#"))) {
    const [statement, ...rest] = words(line);
    if (statement === "size") size = rest;
    else if (statement === "group") {
      const [x, y, w, h] = rest.slice(0, 4).map(Number);
      parts.push(`<rect class="group" x="${x}" y="${y}" width="${w}" height="${h}" rx="8"/>`, `<text class="title" x="${x + 12}" y="${y + 20}">${escape(rest[4])}</text>`);
    } else if (statement === "box") parts.push(...box(rest[5], ...rest.slice(1, 5).map(Number), rest.slice(6)));
    else if (statement === "arrow" || statement === "both") {
      const [drawn, ...label] = arrow(rest, statement === "both");
      parts.push(drawn);
      labels.push(...label);
    } else if (statement === "note") labels.push(`<text class="small" x="${rest[0]}" y="${rest[1]}">${escape(rest[2])}</text>`);
    else throw new Error(`unknown statement: ${line}`);
  }
  const [w, h, says] = size;
  return `<!-- Made by docs/diagrams/draw.mjs from the text next to it. -->
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img" aria-label="${escape(says)}">
  <style>${STYLE}
  </style>
  <defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path class="head" d="M0,0 L10,5 L0,10 z"/></marker></defs>
  <rect class="paper" x="0.5" y="0.5" width="${w - 1}" height="${h - 1}" rx="8"/>
  ${[...parts, ...labels].join("\n  ")}
</svg>
`;
}

/** Each text of the folder with its picture: `[name, svg]`. */
export const drawn = () =>
  readdirSync(FOLDER)
    .filter((name) => name.endsWith(".txt"))
    .map((name) => [name.replace(/\.txt$/, ".svg"), draw(readFileSync(new URL(name, FOLDER), "utf8"))]);

if (process.argv[1] === fileURLToPath(import.meta.url)) for (const [name, svg] of drawn()) writeFileSync(new URL(name, FOLDER), svg);
