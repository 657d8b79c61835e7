import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "../../socket_io/support/process.js";
import { BIN } from "./demo_server.js";

const run = promisify(execFile);
const FOLDER = fileURLToPath(new URL("../../../examples/marketplace/", import.meta.url));

/** `examples/marketplace`, with the chat server that it is made for: what it had before is imported. */
export class Shop {
  #folder;
  #children = [];
  #printed = [];
  #waiting = new Set();
  url;
  /** Where the chat server is, and what the shop shares with it. */
  chat;
  jwtSecret;
  serviceKey;

  static async start() {
    const shop = new Shop();
    shop.#folder = await mkdtemp(join(tmpdir(), "haggle-shop-"));
    if (!existsSync(join(FOLDER, "node_modules"))) await run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: FOLDER });
    const [port, chatPort] = [await freePort(), await freePort()];
    shop.url = `http://127.0.0.1:${port}`;
    const chat = `http://127.0.0.1:${chatPort}`;
    const [jwt, key, webhook, session] = Array.from({ length: 4 }, () => randomBytes(32).toString("hex"));

    Object.assign(shop, { chat, jwtSecret: jwt, serviceKey: key });

    const database = join(shop.#folder, "haggle.db");
    const { stdout } = await run(process.execPath, ["export.js"], { cwd: FOLDER });
    await writeFile(join(shop.#folder, "shop.ndjson"), stdout);
    await run(BIN, ["import", join(shop.#folder, "shop.ndjson"), "--database-url", database]);
    const options = ["--bind", `127.0.0.1:${chatPort}`, "--database-url", database, "--allowed-origin", shop.url, "--webhook-url", `${shop.url}/webhook`, "--notify-unread-after", "1s"];
    await shop.#spawn(BIN, ["serve", ...options], { HAGGLE_JWT_SECRET: jwt, HAGGLE_SERVICE_KEY: key, HAGGLE_WEBHOOK_SECRET: webhook }, /listening on/);
    await shop.#spawn(process.execPath, ["shop.js"], { CHAT_URL: chat, PORT: String(port), JWT_SECRET: jwt, SERVICE_KEY: key, WEBHOOK_SECRET: webhook, SESSION_SECRET: session }, /^http:/);
    return shop;
  }

  /** Settles once one of the two has printed such a line, which may have been long ago. @param {RegExp} pattern */
  printed(pattern) {
    if (this.#printed.some((line) => pattern.test(line))) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ pattern, resolve }));
  }

  async #spawn(command, args, env, ready) {
    const child = spawn(command, args, { cwd: FOLDER, env: { ...process.env, ...env } });
    this.#children.push(child);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on("line", (line) => {
        this.#printed.push(line);
        for (const one of this.#waiting) if (one.pattern.test(line)) one.resolve(this.#waiting.delete(one));
      });
    }
    const ended = once(child, "exit").then(([code]) => Promise.reject(new Error(`${command} ended with ${code}\n${this.#printed.join("\n")}`)));
    ended.catch(() => {});
    await Promise.race([this.printed(ready), ended]);
  }

  async stop() {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
