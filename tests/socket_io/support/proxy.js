import { once } from "node:events";
import { connect, createServer } from "node:net";
import { Log } from "./waiting.js";

/** A network between a client and the server that can be made to fail, TCP connection by TCP connection. */
export class Proxy {
  #server;
  #links = new Set();
  #held = false;
  /** Connections that were ever opened through it. */
  opened = 0;
  url;

  /**
   * @param {import("node:test").TestContext} t
   * @param {string} url of the server
   */
  static async start(t, url) {
    const proxy = new Proxy();
    const target = new URL(url);
    proxy.#server = createServer((client) => proxy.#open(client, connect(Number(target.port), target.hostname)));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    proxy.url = `http://127.0.0.1:${proxy.#server.address().port}`;
    t.after(() => {
      proxy.#server.close();
      proxy.cut();
    });
    return proxy;
  }

  /** Resets every connection, on both sides. */
  cut() {
    for (const { client, server } of this.#links) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /**
   * Resets connections until something has happened. A request may just be opening a connection, which a single cut would
   * miss; a session that polls then goes on as if nothing had been.
   *
   * @param {Promise<unknown>} happened
   */
  async cutUntil(happened) {
    let over = false;
    happened.finally(() => (over = true)).catch(() => {});
    while (!over) {
      this.cut();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /**
   * The open connections become half-open: nothing passes any more, and neither side is notified. New ones work.
   *
   * @returns {() => Promise<void>} waits until the server has given up each of them
   */
  freeze() {
    const frozen = [...this.#links];
    for (const link of frozen) link.frozen = true;
    return () => Promise.all(frozen.map(({ log }) => log.find((what) => what === "the server closed it")));
  }

  /** From now on the server hears the client, and the client does not hear the server. */
  holdAnswers() {
    this.#held = true;
  }

  /** What was held arrives, and so does what follows. */
  releaseAnswers() {
    this.#held = false;
    for (const link of this.#links) {
      for (const data of link.kept.splice(0)) link.client.write(data);
    }
  }

  #open(client, server) {
    const link = { client, server, frozen: false, kept: [], log: new Log() };
    this.opened++;
    this.#links.add(link);
    client.setNoDelay();
    server.setNoDelay();
    client.on("data", (data) => link.frozen || server.write(data));
    server.on("data", (data) => {
      if (link.frozen) return;
      if (this.#held) link.kept.push(data);
      else client.write(data);
    });
    client.on("error", () => {});
    server.on("error", () => {});
    client.on("close", () => link.frozen || server.destroy());
    server.on("close", () => {
      link.log.add("the server closed it");
      // A frozen one's client still believes in it; it is let go when the test has ended.
      if (link.frozen) return;
      this.#links.delete(link);
      for (const data of link.kept.splice(0)) client.write(data);
      client.end();
    });
  }
}
