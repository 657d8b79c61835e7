import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePort, ServerProcess } from "./process.js";
import { until } from "./waiting.js";

/* What several nodes share: a PostgreSQL and a NATS server of a test's own. */

/** An unprivileged user and group, for tests that run as root: PostgreSQL does not. */
const NOBODY = 65534;

const VERSIONS = "/usr/lib/postgresql";

function find(name, ...more) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", ...more];
  return folders.map((folder) => join(folder, name)).find(existsSync);
}

function postgresFolders() {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS) : [];
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(VERSIONS, version, "bin"));
}

const INITDB = find("initdb", ...postgresFolders());
const POSTGRES = find("postgres", ...postgresFolders());
const NATS = find("nats-server");

/** A haggle with the feature `postgres`. */
export const HAGGLE_BIN = process.env.HAGGLE_POSTGRES_BIN;

/** What is missing to run several nodes here, if anything is. */
export const MISSING = Object.entries({ HAGGLE_POSTGRES_BIN: HAGGLE_BIN, postgresql: INITDB && POSTGRES, "nats-server": NATS })
  .filter(([, found]) => !found)
  .map(([name]) => name);

function asSomebody(program, args) {
  const drop = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
  return process.getuid() === 0 ? [...drop, program, ...args] : [program, ...args];
}

/** Waits until somebody listens on a port. */
async function listens(port, process) {
  await until(async () => {
    if (!process.running) throw new Error(process.output);
    return new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.on("close", () => socket.destroy()).on("connect", () => socket.end());
    });
  }, `somebody listens on port ${port}`);
}

/** Both of them. */
export class Shared {
  #folder;
  #postgres;
  #nats;
  databaseUrl;
  natsUrl;

  static async start() {
    const shared = new Shared();
    shared.#folder = await mkdtemp(join(tmpdir(), "haggle-shared-"));
    await chmod(shared.#folder, 0o755);
    const data = join(shared.#folder, "postgres");
    mkdirSync(data);
    if (process.getuid() === 0) spawnSync("chown", [`${NOBODY}:${NOBODY}`, data]);
    const [initdb, ...args] = asSomebody(INITDB, ["-D", join(data, "data"), "-U", "haggle", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
    const made = spawnSync(initdb, args, { cwd: data, encoding: "utf8" });
    if (made.status !== 0) throw new Error(`${made.error ?? ""}${made.stdout}${made.stderr}`);

    const port = await freePort();
    const [postgres, ...flags] = asSomebody(POSTGRES, ["-D", join(data, "data"), "-k", data, "-h", "127.0.0.1", "-p", String(port)]);
    shared.#postgres = new ServerProcess(postgres, flags);
    await shared.#postgres.prints(/ready to accept connections/);
    shared.databaseUrl = `postgres://haggle@127.0.0.1:${port}/postgres`;

    const natsPort = await freePort();
    shared.#nats = new ServerProcess(NATS, ["-a", "127.0.0.1", "-p", String(natsPort)]);
    await listens(natsPort, shared.#nats);
    shared.natsUrl = `nats://127.0.0.1:${natsPort}`;
    return shared;
  }

  async stop() {
    await this.#nats?.end("SIGKILL");
    await this.#postgres?.end("SIGQUIT");
    await rm(this.#folder, { recursive: true, force: true });
  }
}
