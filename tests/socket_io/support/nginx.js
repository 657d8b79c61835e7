import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, ServerProcess } from "./process.js";
import { DEADLINE_MS } from "./waiting.js";

const CONFIGURATION = fileURLToPath(new URL("../../../deploy/nginx.conf", import.meta.url));

/** How often another port is tried, where somebody else took the free one first. */
const TRIES = 5;

/** An unprivileged user and group, for tests that run as root. */
const NOBODY = 65534;

function find(name) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return folders.map((folder) => join(folder, name)).find(existsSync);
}

/** What is missing to run nginx here, if anything is. */
export const MISSING = ["nginx", "openssl"].filter((name) => !find(name));

/** nginx with `deploy/nginx.conf`, in which only names, ports and paths are others, as an unprivileged user. */
export class Nginx {
  #folder;
  #process;
  /** Where it speaks TLS. */
  url;
  /** Where it sends clients away to TLS. */
  plainUrl;
  /** Its certificate, which it has signed itself. */
  ca;

  /** @param {{a: string, b: string}} nodes the addresses of the two nodes, as `host:port` */
  static async start(nodes) {
    const nginx = new Nginx();
    const folder = await mkdtemp(join(tmpdir(), "haggle-nginx-"));
    nginx.#folder = folder;
    const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "chain.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    execFileSync("openssl", ["req", "-x509", "-days", "1", ...key, ...files, ...subject], { stdio: "pipe" });
    nginx.ca = await readFile(join(folder, "chain.pem"), "utf8");
    if (process.getuid() === 0) execFileSync("chown", ["-R", `${NOBODY}:${NOBODY}`, folder]);
    else await chmod(folder, 0o700);
    for (let tries = 1; !(await nginx.#spawn(nodes)); tries++) {
      if (tries === TRIES) throw new Error(`nginx does not start\n${nginx.#process.output}`);
    }
    return nginx;
  }

  async #spawn(nodes) {
    const [port, plainPort] = [await freePort(), await freePort()];
    let text = await readFile(CONFIGURATION, "utf8");
    const replace = (from, to) => {
      if (!text.includes(from)) throw new Error(`deploy/nginx.conf has no \`${from}\` any more`);
      text = text.replaceAll(from, to);
    };
    replace("haggle-a:5000", nodes.a);
    replace("haggle-b:5000", nodes.b);
    replace("listen 8443 ssl;", `listen 127.0.0.1:${port} ssl;`);
    replace("listen 8080;", `listen 127.0.0.1:${plainPort};`);
    replace("/tmp/nginx/", `${this.#folder}/`);
    replace("/var/log/nginx/", `${this.#folder}/`);
    replace("/etc/haggle/tls/", `${this.#folder}/`);
    const file = join(this.#folder, "nginx.conf");
    await writeFile(file, text);
    const command = [find("nginx"), "-e", "stderr", "-c", file, "-p", this.#folder, "-g", "daemon off;"];
    const drop = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
    const [program, ...args] = process.getuid() === 0 ? [...drop, ...command] : command;
    this.#process = new ServerProcess(program, args);
    this.url = `https://127.0.0.1:${port}`;
    this.plainUrl = `http://127.0.0.1:${plainPort}`;
    return this.#listens();
  }

  /** Whether it serves; false when the port was taken. */
  async #listens() {
    const deadline = Date.now() + DEADLINE_MS;
    while (Date.now() < deadline) {
      if (!this.#process.running) return false;
      try {
        await this.get("/metrics");
        return true;
      } catch (error) {
        if (error.code !== "ECONNREFUSED") throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    return false;
  }

  /** The requests that it has logged. */
  accessLog() {
    return readFile(join(this.#folder, "access.log"), "utf8");
  }

  /** One request; `localAddress` is the client's own. */
  get(path, { localAddress, headers, method = "GET", body } = {}) {
    return new Promise((resolve, reject) => {
      const options = { ca: this.ca, agent: false, localAddress, headers, method, timeout: DEADLINE_MS };
      const sent = httpsRequest(`${this.url}${path}`, options, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part) => (text += part));
        response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
      });
      sent.on("error", reject).on("timeout", () => sent.destroy(new Error(`no answer to ${method} ${path}`)));
      sent.end(body);
    });
  }

  async stop() {
    await this.#process.end("SIGTERM");
    await rm(this.#folder, { recursive: true, force: true });
  }
}
