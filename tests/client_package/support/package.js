import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where the package's sources are. */
export const SOURCE = fileURLToPath(new URL("../../../packages/client/", import.meta.url));

/** npm without its network, its cache of somebody's home aside: all that it needs is the tarball. */
const QUIET = ["--offline", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];

/** The package as its users get it: packed by `npm pack`, and installed from the tarball into a project of its own. */
export class Consumer {
  /** The project's folder. */
  folder;
  /** What is in the tarball. */
  files;

  static async install() {
    const consumer = new Consumer();
    consumer.folder = await mkdtemp(join(tmpdir(), "haggle-consumer-"));
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", consumer.folder, ...QUIET], { cwd: SOURCE });
    // npm 11 lists the packages by name, its predecessors in an array.
    const [packed] = Object.values(JSON.parse(stdout));
    consumer.files = packed.files.map(({ path }) => path).sort();
    await consumer.write("package.json", JSON.stringify({ name: "consumer", private: true, type: "module" }));
    await run("npm", ["install", `./${packed.filename}`, ...QUIET], { cwd: consumer.folder });
    return consumer;
  }

  /** What the package exports, found as Node.js finds it. */
  async import() {
    const path = createRequire(join(this.folder, "index.js")).resolve("@haggle/client");
    return import(pathToFileURL(path));
  }

  /** A file of the installed package. */
  read(path) {
    return readFile(join(this.folder, "node_modules/@haggle/client", path), "utf8");
  }

  write(path, text) {
    return writeFile(join(this.folder, path), text);
  }

  remove() {
    return rm(this.folder, { recursive: true, force: true });
  }
}

/** The compiler of this folder, and not one from a project around the consumer's. */
const TSC = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));

/**
 * What the compiler says, one line each; nothing when all is well.
 *
 * @param {string} folder where it runs
 * @param {string[]} args
 */
export async function tsc(folder, ...args) {
  try {
    await run(process.execPath, [TSC, ...args], { cwd: folder });
    return [];
  } catch (error) {
    return `${error.stdout}${error.stderr}`.trim().split("\n");
  }
}
