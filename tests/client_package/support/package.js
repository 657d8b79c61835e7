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

/** npm without its network, its cache of somebody's home aside: all that it needs is the tarballs. */
const QUIET = ["--offline", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];

/** A package as its users get it: packed by `npm pack`, and installed from the tarball into a project of its own. */
export class Consumer {
  /** The project's folder. */
  folder;
  /** What is in the tarball. */
  files;
  #name;

  /** @param {string} [source] the package @param {string[]} [dependencies] packages that it needs, installed with it */
  static async install(source = SOURCE, dependencies = [], ...options) {
    const consumer = new this();
    consumer.folder = await mkdtemp(join(tmpdir(), "haggle-consumer-"));
    const packed = [];
    for (const folder of [source, ...dependencies]) packed.push(await consumer.#pack(folder));
    consumer.#name = packed[0].name;
    consumer.files = packed[0].files.map(({ path }) => path).sort();
    await consumer.write("package.json", JSON.stringify({ name: "consumer", private: true, type: "module" }));
    await run("npm", ["install", ...options, ...packed.map(({ filename }) => `./${filename}`), ...QUIET], { cwd: consumer.folder });
    return consumer;
  }

  async #pack(folder) {
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", this.folder, ...QUIET], { cwd: folder });
    // npm 11 lists the packages by name, its predecessors in an array.
    return Object.values(JSON.parse(stdout))[0];
  }

  /** What the package exports, found as Node.js finds it. */
  async import(name = this.#name) {
    return import(pathToFileURL(createRequire(join(this.folder, "index.js")).resolve(name)));
  }

  /** A file of the installed package. */
  read(path) {
    return readFile(join(this.folder, "node_modules", this.#name, path), "utf8");
  }

  write(path, text) {
    return writeFile(join(this.folder, path), text);
  }

  /** Runs a module in a Node.js of its own, and gives what it printed. */
  async run(code) {
    await this.write("run.mjs", code);
    return (await run(process.execPath, ["run.mjs"], { cwd: this.folder })).stdout.trim();
  }

  remove() {
    return rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * A TypeScript compiler: what it says, one line each; nothing when all is well.
 *
 * @param {string} modules the `node_modules` that has it, and not one around the consumer's project
 */
export const compilerOf = (modules) =>
  /** @param {string} folder where it runs @param {string[]} args */
  async (folder, ...args) => {
    try {
      await run(process.execPath, [join(modules, "typescript/bin/tsc"), ...args], { cwd: folder });
      return [];
    } catch (error) {
      return `${error.stdout}${error.stderr}`.trim().split("\n");
    }
  };

export const tsc = compilerOf(fileURLToPath(new URL("../node_modules/", import.meta.url)));
