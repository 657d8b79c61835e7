import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { within } from "./waiting.js";

/** Only a failing start waits for so long. */
const START_TIMEOUT_MS = 30_000;

/** Where cargo puts what it builds, unless the environment names a binary. */
export function builtBinary(variable, path) {
  return process.env[variable] ?? fileURLToPath(new URL(`../../../target/debug/${path}`, import.meta.url));
}

/** A server's process, with all that it printed. */
export class ServerProcess {
  #child;
  #failed = false;
  output = "";

  constructor(binary, args) {
    this.binary = binary;
    this.#child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.exited = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => resolve(signal ?? code));
      this.#child.once("error", (error) => {
        this.#failed = true;
        this.output += `${error.message}\n`;
        resolve("an error");
      });
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on("data", (data) => (this.output += data));
  }

  /** Waits until it has printed something that matches. */
  async prints(pattern) {
    const found = new Promise((resolve) => {
      const look = () => {
        const match = this.output.match(pattern);
        if (match) resolve(match);
      };
      this.#child.stderr.on("data", look);
      this.#child.stdout.on("data", look);
      look();
    });
    const gone = this.exited.then((how) => Promise.reject(new Error(`${this.binary} ended with ${how}\n${this.output}`)));
    return within(START_TIMEOUT_MS, Promise.race([found, gone]), () => `${this.binary} did not print ${pattern}\n${this.output}`);
  }

  get running() {
    return !this.#failed && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends a signal and waits for the end: an exit code, or the name of the signal that killed it. */
  async end(signal) {
    if (this.running) this.#child.kill(signal);
    return within(START_TIMEOUT_MS, this.exited, () => `${this.binary} did not end on ${signal}\n${this.output}`);
  }
}

/** A port that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
