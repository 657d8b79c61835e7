import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compilerOf, Consumer as AnyConsumer, SOURCE as CLIENT } from "../../client_package/support/package.js";

/** Where the sources are. */
export const SOURCE = fileURLToPath(new URL("../../../packages/components/", import.meta.url));
const MODULES = fileURLToPath(new URL("../node_modules/", import.meta.url));

export const tsc = compilerOf(MODULES);

/** A project that has the components, the client that they need, and React. */
export class Consumer extends AnyConsumer {
  static async install() {
    const consumer = await super.install(SOURCE, [CLIENT], "--legacy-peer-deps");
    for (const name of ["react", "react-dom", "scheduler", "@types", "csstype"]) await symlink(join(MODULES, name), join(consumer.folder, "node_modules", name));
    return consumer;
  }

  /** What the compiler says about a project, one line each; nothing when all is well. */
  async compile(compilerOptions, ...files) {
    await this.write("tsconfig.json", JSON.stringify({ compilerOptions, files }));
    return tsc(this.folder);
  }
}
