import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const BUILT = new Set(["node_modules", "target", ".git", "dist"]);

/** Every file of the project, by its path below the root. */
export function files(folder = ROOT) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return BUILT.has(entry.name) ? [] : files(path);
    return [relative(ROOT, path)];
  });
}

export const read = (path) => readFileSync(join(ROOT, path), "utf8");

/** A page without its code: blocks are emptied, so that the numbers of lines stay. */
export const withoutBlocks = (text) => text.replace(/^```[^]*?^```/gm, (block) => block.replace(/[^\n]/g, ""));

export const withoutCode = (text) => withoutBlocks(text).replace(/`[^`\n]*`/g, "``");
