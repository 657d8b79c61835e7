import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The binary. */
export const BIN = process.env.HAGGLE_BIN ?? resolve(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../../../target/debug/haggle");
/** The marketplace's own backend, as far as a test is one. */
const SERVICE_KEY = "the-marketplaces-own-key";
/** Only a failing test waits for so long: the first start makes the demo's data. */
const START_TIMEOUT_MS = 30_000;

/** `haggle demo`, on a free port and a database of its own. */
export class DemoServer {
  #process;
  #folder;
  #output = "";
  #tokens = new Map();
  #options = {};
  /** Where it listens; the same after a restart. */
  url;

  /** @param {Record<string, string>} [options] environment variables of the server */
  static async start(options = {}) {
    const server = new DemoServer();
    server.#options = options;
    server.#folder = await mkdtemp(join(tmpdir(), "haggle-browser-"));
    await server.#spawn("127.0.0.1:0");
    return server;
  }

  /** The process dies as it stands: nothing is flushed, nobody is notified. */
  async kill() {
    await this.#end("SIGKILL");
  }

  /** It drains: clients are notified, then it exits. */
  async drain() {
    await this.#end("SIGTERM");
  }

  /** Again on the same port and database. */
  async restart() {
    await this.#spawn(new URL(this.url).host);
  }

  async stop() {
    if (this.#process?.exitCode === null && this.#process.signalCode === null) await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Asks over REST, as the marketplace's backend or as one of the demo's users, at the pace that the limits allow. */
  async api(method, path, body, { as } = {}) {
    const bearer = as ? await this.#tokenOf(as) : SERVICE_KEY;
    for (;;) {
      const response = await fetch(`${this.url}/api/v1${path}`, {
        method,
        headers: { "content-type": "application/json", authorization: `Bearer ${bearer}` },
        body: body && JSON.stringify(body),
      });
      const answer = response.status === 204 ? undefined : await response.json();
      if (response.ok) return answer;
      if (response.status !== 429) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
      await new Promise((resolve) => setTimeout(resolve, answer.retryAfterMs));
    }
  }

  /** A token of one of the demo's users, as the marketplace's own backend would sign it. */
  tokenOf(userId) {
    return this.#tokenOf(userId);
  }

  async #tokenOf(userId) {
    const known = this.#tokens.get(userId);
    if (known) return known;
    const response = await fetch(`${this.url}/api/v1/demo/sign-in`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ userId }),
    });
    const { token } = await response.json();
    this.#tokens.set(userId, token);
    return token;
  }

  async #spawn(address) {
    // Tokens end with the process that signed them.
    this.#tokens.clear();
    const env = { ...process.env, HAGGLE_SERVICE_KEY: SERVICE_KEY, ...this.#options };
    const child = spawn(BIN, ["demo", "--bind", address, "--database-url", join(this.#folder, "demo.db")], { env });
    this.#process = child;
    this.url = await new Promise((found, failed) => {
      const fail = (why) => failed(new Error(`${BIN} ${why}\n${this.#output}`));
      const timer = setTimeout(() => fail("did not print its address"), START_TIMEOUT_MS);
      child.once("error", (error) => fail(error.message));
      child.once("exit", (code, signal) => fail(`ended with ${signal ?? code}`));
      child.stderr.on("data", (data) => (this.#output += data));
      let printed = "";
      child.stdout.on("data", (data) => {
        this.#output += data;
        printed += data;
        const [url] = printed.match(/http:\/\/127\.0\.0\.1:\d+(?=\D)/) ?? [];
        if (!url) return;
        clearTimeout(timer);
        found(url);
      });
    });
  }

  async #end(signal) {
    const ended = once(this.#process, "exit");
    this.#process.kill(signal);
    await ended;
  }
}
