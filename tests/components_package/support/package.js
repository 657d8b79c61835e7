import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where the sources are. */
export const SOURCE = fileURLToPath(new URL("../../../packages/components/", import.meta.url));
const CLIENT = fileURLToPath(new URL("../../../packages/client/", import.meta.url));
const MODULES = fileURLToPath(new URL("../node_modules/", import.meta.url));
const TSC = join(MODULES, "typescript/bin/tsc");

/** All that npm needs is the tarballs. */
const QUIET = ["--offline", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];

/** The package as its users get it: packed by `npm pack`, and installed with its dependency into a project that has React. */
export class Consumer {
  /** The project's folder. */
  folder;
  /** What is in the tarball. */
  files;

  static async install() {
    const consumer = new Consumer();
    consumer.folder = await mkdtemp(join(tmpdir(), "haggle-consumer-"));
    const [client, components] = [await consumer.#pack(CLIENT), await consumer.#pack(SOURCE)];
    consumer.files = components.files.map(({ path }) => path).sort();
    await consumer.write("package.json", JSON.stringify({ name: "consumer", private: true, type: "module" }));
    await run("npm", ["install", "--legacy-peer-deps", `./${client.filename}`, `./${components.filename}`, ...QUIET], { cwd: consumer.folder });
    for (const name of ["react", "react-dom", "scheduler", "@types", "csstype"]) await symlink(join(MODULES, name), join(consumer.folder, "node_modules", name));
    return consumer;
  }

  async #pack(folder) {
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", this.folder, ...QUIET], { cwd: folder });
    // npm 11 lists the packages by name, its predecessors in an array.
    return Object.values(JSON.parse(stdout))[0];
  }

  /** A file of the installed package. */
  read(path) {
    return readFile(join(this.folder, "node_modules/@haggle/components", path), "utf8");
  }

  write(path, text) {
    return writeFile(join(this.folder, path), text);
  }

  /** Runs a module in a Node.js of its own, and gives what it printed. */
  async run(code) {
    await this.write("run.mjs", code);
    return (await run(process.execPath, ["run.mjs"], { cwd: this.folder })).stdout.trim();
  }

  /** What the compiler says about a project, one line each; nothing when all is well. */
  async compile(compilerOptions, ...files) {
    await this.write("tsconfig.json", JSON.stringify({ compilerOptions, files }));
    return tsc(this.folder);
  }

  remove() {
    return rm(this.folder, { recursive: true, force: true });
  }
}

/** @param {string} folder one that has a tsconfig.json */
export async function tsc(folder) {
  try {
    await run(process.execPath, [TSC, "-p", "."], { cwd: folder });
    return [];
  } catch (error) {
    return `${error.stdout}${error.stderr}`.trim().split("\n");
  }
}
