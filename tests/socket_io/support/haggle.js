import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtBinary, ServerProcess } from "./process.js";
import { signToken } from "./token.js";

const JWT_SECRET = "only-for-the-tests-of-this-folder-0123456789";
const SERVICE_KEY = "service-key-of-the-tests";

/** `haggle serve`, on a free port and a database of its own. */
export class Haggle {
  #process;
  #binary;
  #folder;
  #database;
  #flags;
  #made = 0;
  /** Where it listens; the same after a restart. */
  url;

  /**
   * @param {string[]} [flags] options of `serve`, in addition to those that every test needs
   * @param {string} [database] instead of an empty one of its own
   * @param {string} [binary] instead of the one that all other tests drive
   */
  static async start(flags = [], database, binary = builtBinary("HAGGLE_BIN", "haggle")) {
    const haggle = new Haggle();
    haggle.#binary = binary;
    haggle.#database = database;
    haggle.#flags = flags;
    haggle.#folder = await mkdtemp(join(tmpdir(), "haggle-socket-io-"));
    await haggle.#spawn("127.0.0.1:0");
    return haggle;
  }

  get running() {
    return this.#process.running;
  }

  /** All that it has logged since it last started. */
  get log() {
    return this.#process.output;
  }

  /** The process dies as it stands: nothing is flushed, nobody is notified. */
  async kill() {
    await this.#process.end("SIGKILL");
  }

  /** It drains: clients are notified, what was accepted is finished, then it exits. */
  async drain() {
    assert.equal(await this.#process.end("SIGTERM"), 0, "the exit code after a drain");
  }

  /** Again on the same port and database. */
  async restart() {
    await this.#spawn(new URL(this.url).host);
  }

  /** Ends it, and says whether it was well until then. */
  async stop() {
    const { running } = this.#process;
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
    assert.ok(running, `the server ended by itself:\n${this.#process.output}`);
    assert.doesNotMatch(this.#process.output, /panicked/, "the server's log");
  }

  /** A token as the marketplace's backend would sign it. */
  token(userId, claims = {}) {
    return signToken(JWT_SECRET, { sub: userId, ...claims });
  }

  /** A product, its seller, a buyer, and the room of the two. */
  async room() {
    const buyerId = `buyer-${++this.#made}`;
    await this.service("PUT", `/users/${buyerId}`, { name: `Buyer ${this.#made}` });
    return this.roomOf(buyerId);
  }

  /** Another product and its seller, and the room of somebody who is already there. */
  async roomOf(buyerId) {
    const number = ++this.#made;
    const [sellerId, productId] = [`seller-${number}`, `product-${number}`];
    await this.service("PUT", `/users/${sellerId}`, { name: `Seller ${number}` });
    await this.service("PUT", `/products/${productId}`, { sellerId, title: `Product ${number}` });
    const { id } = await this.service("POST", "/rooms", { productId, buyerId });
    return { id, buyer: { id: buyerId, token: this.token(buyerId) }, seller: { id: sellerId, token: this.token(sellerId) } };
  }

  /** Somebody who is known to the marketplace and a member of no room. */
  async stranger() {
    const id = `stranger-${++this.#made}`;
    await this.service("PUT", `/users/${id}`, { name: "A stranger" });
    return { id, token: this.token(id) };
  }

  /** The marketplace ends all sessions of a user. */
  async endSessions(userId) {
    await this.service("POST", `/users/${userId}/disconnect`);
  }

  /** The marketplace mutes a member of a room, whom the other one has reported. */
  async mute(member, room, until) {
    const other = member.id === room.buyer.id ? room.seller : room.buyer;
    const { id } = await this.#request("POST", "/reports", other.token, { roomId: room.id, category: "spam" });
    await this.service("PATCH", `/reports/${id}`, { decision: "upheld", muteUntil: until });
  }

  /** Every message of a room as REST has it, up to 200. */
  async history(room) {
    const { items } = await this.#request("GET", `/rooms/${encodeURIComponent(room.id)}/messages?limit=200`, room.buyer.token);
    return items;
  }

  /** A request of the marketplace's backend. */
  service(method, path, body) {
    return this.#request(method, path, SERVICE_KEY, body);
  }

  async #request(method, path, bearer, body) {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${bearer}`, ...(body && { "content-type": "application/json" }) },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  async #spawn(address) {
    this.#process = new ServerProcess(this.#binary, [
      "serve",
      ...["--bind", address],
      ...["--database-url", this.#database ?? join(this.#folder, "haggle.db")],
      ...["--jwt-secret", JWT_SECRET],
      ...["--service-key", SERVICE_KEY],
      // All clients of a file come from one address, and those that poll make a connection for each request.
      ...["--max-connects-per-second", "0"],
      ...this.#flags,
    ]);
    [, this.url] = await this.#process.prints(/listening on (http:\/\/127\.0\.0\.1:\d+)(?=\D)/);
  }
}
