// @ts-check
import { ServerClock } from "./clock.js";
import { backoffMs } from "./backoff.js";
import { resolveImages } from "./images.js";
import { Emitter } from "./emitter.js";
import { abortedBy, afterClose, HaggleError } from "./error.js";

/** @import { TokenSource } from "./token_source.js" */
/** @import { Abortable, ConnectionState, Line, LineEvents, Wire } from "../types/types.d.ts" */

/** A request without an answer for this long means that the connection is dead, whatever TCP still believes. */
const REQUEST_TIMEOUT_MS = 10_000;

/** How long a server waits for a sign of life by default, and a client for one of the server's. It says its own in a heartbeat. */
const PING_TIMEOUT_MS = 20_000;

/** After these another try would end the same way. */
const FINAL = new Set(["banned", "forbidden", "origin_refused", "unsupported_protocol"]);

/** After so many new tokens in a row that the server refused, the backend makes no good ones. */
const REFUSALS_MAX = 4;

/** A connection that has held for this long was a good one: the next loss starts again at the shortest backoff. */
const STABLE_AFTER_MS = 5_000;

/**
 * Requests with replies, pushes, and a connection that comes back by itself, over either wire.
 *
 * Emits:
 * - `state` on every change
 * - `open` on every (re)connection: enter rooms again and send what is unacknowledged
 * - `push` with `{event, data}` for everything that is not a reply
 * - `stopped` with a {@link HaggleError} when the server asked not to come back, or takes no connection from this page
 *
 * @extends {Emitter<{state: ConnectionState, open: void, push: {event: string, data: any}, stopped: HaggleError}>}
 */
export class Connection extends Emitter {
  /** @type {ConnectionState} */ #state = "idle";
  /** @type {Line | undefined} */ #line;
  /** @type {Set<{reject: (error: HaggleError) => void}>} requests without an answer */
  #pending = new Set();
  #attempt = 0;
  /** Tells a connection attempt that was given up while it waited for its token. */
  #generation = 0;
  #needsFreshToken = false;
  /** Whether the line has been open. */
  #wasOpen = false;
  /** Whether any line has been open. */
  #everOpen = false;
  /** Whether another try was made at once since a connection last held. */
  #triedAtOnce = false;
  /** New tokens that were refused since a connection was last open. */
  #refusals = 0;
  /** When something last came from the server, by `performance.now()`. */
  #heardAt = 0;
  /** After half of its time without a word the server is asked for one, and after the other half it is given up. */
  #quietMs = PING_TIMEOUT_MS / 2;
  /** @type {any} */ #beatTimer;
  /** @type {any} */ #retryTimer;
  /** @type {any} */ #renewTimer;
  /** @type {any} */ #openTimer;
  /** @type {any} */ #stableTimer;
  /** @type {number | undefined} */ #serverDelayMs;
  /** @type {HaggleError | undefined} the latest `error` event of this attempt or connection */ #lastError;
  /** @type {HaggleError | undefined} why it is not open, where that is known */ error;
  /** @type {string | undefined} the version of the protocol that the server chose, where the wire says it */ protocol;
  #wire;
  #tokens;
  #clock;
  #whyNot;
  #server;

  /**
   * @param {Wire} wire
   * @param {TokenSource} tokens
   * @param {object} [options]
   * @param {ServerClock} [options.clock] is set by what the server says
   * @param {string} [options.server] its address, where the addresses of images are its paths
   * @param {(everOpen: boolean) => Promise<HaggleError | undefined>} [options.whyNot] says why no connection could be opened, where the
   *   wire can't
   */
  constructor(wire, tokens, { clock = new ServerClock(), server = "", whyNot } = {}) {
    super();
    this.#wire = wire;
    this.#tokens = tokens;
    this.#clock = clock;
    this.#server = server;
    this.#whyNot = whyNot;
  }

  get state() {
    return this.#state;
  }

  /** Connects, and stays connected until {@link close}. */
  open() {
    if (this.#state !== "idle" && this.#state !== "closed") return;
    globalThis.addEventListener?.("online", this.#onOnline);
    globalThis.addEventListener?.("offline", this.#onOffline);
    this.#attempt = this.#refusals = 0;
    this.#triedAtOnce = false;
    this.error = undefined;
    this.#connect();
  }

  /** Ends the connection for good. Open requests fail with `disconnected`. */
  close() {
    globalThis.removeEventListener?.("online", this.#onOnline);
    globalThis.removeEventListener?.("offline", this.#onOffline);
    this.#setState("closed");
    this.#tokens.close();
    this.#drop();
  }

  /** Tries again now instead of when the backoff ends. For a button, or when the device says that it is online again. */
  retryNow() {
    if (this.#state !== "waiting") return;
    clearTimeout(this.#retryTimer);
    this.#triedAtOnce = false;
    this.#connect();
  }

  /** Asks the server for a sign of life now. For a page that comes back from a long sleep. */
  check() {
    if (this.#state === "open" && this.#line) this.#beat(this.#line);
  }

  /** The server's time, in milliseconds since 1970. */
  now() {
    return this.#clock.now();
  }

  /**
   * Sends a request and waits for its reply.
   *
   * @param {string} event
   * @param {any} data
   * @param {Abortable} [options]
   * @returns {Promise<any>} the `data` of the reply
   * @throws {HaggleError} the server's code, or `disconnected`, `timeout`, `aborted`
   */
  request(event, data, { signal } = {}) {
    const line = this.#line;
    if (signal?.aborted) return Promise.reject(abortedBy(signal));
    if (this.#state !== "open" || !line) return Promise.reject(new HaggleError("disconnected", "the connection is not open"));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        request.reject(new HaggleError("timeout", `no answer to ${event}`));
        // A half-open connection looks healthy for minutes. Give it up: what was sent is repeated on the next one.
        if (this.#line === line) this.#lost(1006);
      }, REQUEST_TIMEOUT_MS);
      const abort = () => signal && request.reject(abortedBy(signal));
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        return this.#pending.delete(request);
      };
      const request = {
        reject: (/** @type {HaggleError} */ error) => {
          settle();
          reject(error);
        },
      };
      signal?.addEventListener("abort", abort);
      const askedAt = performance.now();
      this.#pending.add(request);
      try {
        line.request(event, data, ({ data: answer, error }) => {
          if (!settle()) return;
          this.#heard(answer, askedAt);
          if (error) reject(new HaggleError(error.code, error.message, error));
          else resolve(resolveImages(answer, this.#server));
        });
      } catch (error) {
        // Data that can't be written as JSON is the caller's fault, and says nothing about the connection.
        settle();
        reject(error);
      }
    });
  }

  /**
   * Sends without asking for a reply, and forgets it when there is no connection. For `typing`.
   *
   * @param {string} event
   * @param {any} data
   */
  notify(event, data) {
    if (this.#state === "open") this.#line?.notify(event, data);
  }

  async #connect() {
    const generation = ++this.#generation;
    this.#lastError = undefined;
    this.#setState("connecting");
    let token;
    try {
      token = await this.#tokens.get({ fresh: this.#needsFreshToken });
    } catch (error) {
      // A backend that says no (this person may not sign in) says so again next time; one that is unreachable comes back.
      if (this.#generation !== generation) return;
      const failure = (this.error = /** @type {HaggleError} */ (error));
      if (failure.status && failure.status < 500 && failure.code !== "rate_limited") return this.#stop(failure);
      return this.#wait();
    }
    if (this.#generation !== generation) return;
    this.#needsFreshToken = false;
    this.#wasOpen = false;

    /** @type {Line} */
    let line;
    /** @type {LineEvents} */
    const events = {
      opened: (protocol) => {
        this.#serverDelayMs = undefined;
        this.#refusals = 0;
        this.error = undefined;
        this.protocol = protocol || undefined;
        clearTimeout(this.#openTimer);
        this.#wasOpen = this.#everOpen = true;
        this.#stableTimer = setTimeout(() => {
          this.#attempt = 0;
          this.#triedAtOnce = false;
        }, STABLE_AFTER_MS);
        this.#renewBeforeExpiry();
        this.#beat(line);
        this.#setState("open");
        this.emit("open");
      },
      pushed: (push) => this.#receive(push),
      // A line that was given up says nothing any more; one that is lost says so once.
      lost: (code) => this.#line === line && this.#lost(code),
    };
    try {
      this.#line = line = this.#wire(token, events);
    } catch {
      // What the runtime says about it has the token in it.
      return this.#stop(new HaggleError("invalid", "no connection can be made with this `baseUrl`, or `fetchToken` returned something that is no JWT"));
    }
    // A handshake that nobody answers hangs for minutes.
    this.#openTimer = setTimeout(() => this.#line === line && this.#lost(1006), REQUEST_TIMEOUT_MS);
  }

  /** @param {{event: string, data: any}} frame */
  #receive(frame) {
    this.#heardAt = performance.now();
    if (frame.event === "error") {
      this.#lastError = new HaggleError(frame.data.code, frame.data.message, frame.data);
    } else if (frame.event === "draining") {
      this.#serverDelayMs = frame.data.reconnectInMs;
    }
    resolveImages(frame.data, this.#server);
    this.emit("push", frame);
  }

  /**
   * @param {any} answer
   * @param {number} askedAt by `performance.now()`
   */
  #heard(answer, askedAt) {
    this.#heardAt = performance.now();
    if (answer?.serverTime) this.#clock.set(answer.serverTime, askedAt);
    if (answer?.pingTimeoutMs > 0) this.#quietMs = Math.min(Math.max(answer.pingTimeoutMs / 2, 100), 60_000);
  }

  /**
   * Asks for a sign of life, and gives a connection up that shows none. A page can't see the pings of a WebSocket, and TCP
   * notices a network that is gone after many minutes. A server that doesn't know the event answers, too.
   *
   * @param {Line} line
   */
  #beat(line) {
    clearTimeout(this.#beatTimer);
    const askedAt = performance.now();
    line.request("heartbeat", {}, ({ data }) => {
      if (this.#line !== line) return;
      this.#heard(data, askedAt);
      this.#awaitQuiet(line);
    });
    this.#beatTimer = setTimeout(() => {
      if (this.#heardAt >= askedAt) return this.#awaitQuiet(line);
      // The page itself was asleep: what came meanwhile has not been read yet.
      if (performance.now() - askedAt > 2 * this.#quietMs) return this.#beat(line);
      this.#lost(1006);
    }, this.#quietMs);
  }

  /** @param {Line} line */
  #awaitQuiet(line) {
    clearTimeout(this.#beatTimer);
    const leftMs = this.#heardAt + this.#quietMs - performance.now();
    if (leftMs <= 0) return this.#beat(line);
    this.#beatTimer = setTimeout(() => this.#awaitQuiet(line), leftMs);
  }

  /** @param {number} code the close code */
  #lost(code) {
    const wasOpen = this.#wasOpen;
    // An open connection that is cut has no reason: its latest `error` event may be the answer to some event, long ago.
    const error = (this.error = wasOpen && code === 1006 ? undefined : this.#lastError);
    this.#drop();
    const next = afterClose(code);
    if (next === "stop") return this.#stop(error ?? new HaggleError("forbidden", `the server closed with ${code}`));
    // A browser doesn't show why a handshake failed. A refused token is one of the reasons, and a new one costs little.
    const refused = !wasOpen && (next === "renew" || code === 1006);
    if (next === "renew" || refused) this.#needsFreshToken = true;
    if (refused && this.#tryAtOnce()) return;
    if (refused && error && this.#isFinal(error)) return this.#stop(error);
    if (refused && code === 1006 && this.#whyNot) return void this.#explain(this.#whyNot);
    if (next === "wait") this.#serverDelayMs = error?.retryAfterMs ?? 5_000;
    this.#wait();
  }

  /**
   * Finds out why no connection could be opened, and goes on by that.
   * @param {(everOpen: boolean) => Promise<HaggleError | undefined>} whyNot
   */
  async #explain(whyNot) {
    const generation = this.#generation;
    this.#setState("waiting");
    const patience = new Promise((resolve) => (this.#openTimer = setTimeout(resolve, REQUEST_TIMEOUT_MS, new HaggleError("timeout"))));
    const error = /** @type {HaggleError | undefined} */ (await Promise.race([whyNot(this.#everOpen), patience]));
    if (this.#generation !== generation) return;
    clearTimeout(this.#openTimer);
    this.error = error;
    if (error && this.#isFinal(error)) return this.#stop(error);
    // REST has taken the token that is at hand.
    if (!error) this.#needsFreshToken = false;
    this.#serverDelayMs = error?.retryAfterMs ?? this.#serverDelayMs;
    this.#wait();
  }

  /**
   * Whether the server would refuse another try as well. A `fetchToken` that fails with a status of 500 or more says nothing about that.
   *
   * @param {HaggleError} error why no connection could be opened
   */
  #isFinal(error) {
    if (/** @type {number} */ (error.status) >= 500) return false;
    if (error.code === "unauthenticated") this.#refusals += 1;
    return FINAL.has(error.code) || this.#refusals >= REFUSALS_MAX;
  }

  /** Connects without a backoff, unless that was done since a connection last held. */
  #tryAtOnce() {
    if (this.#triedAtOnce) return false;
    this.#triedAtOnce = true;
    void this.#connect();
    return true;
  }

  /** Gives the line up and fails what waits for it. */
  #drop() {
    this.#generation++;
    for (const timer of [this.#retryTimer, this.#renewTimer, this.#openTimer, this.#stableTimer, this.#beatTimer]) clearTimeout(timer);
    const line = this.#line;
    this.#line = undefined;
    line?.close();
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const { reject } of pending) reject(new HaggleError("disconnected", "the connection ended before the answer"));
  }

  #wait() {
    // What the server asked for is a minimum; the jitter on top spreads the clients of a restarting node.
    const delay = (this.#serverDelayMs ?? 0) + backoffMs(this.#attempt++);
    this.#setState("waiting");
    this.#retryTimer = setTimeout(() => this.#connect(), delay);
  }

  /** @param {HaggleError} error */
  #stop(error) {
    this.error = error;
    this.close();
    this.emit("stopped", error);
  }

  #renewBeforeExpiry() {
    const delay = this.#tokens.renewalInMs();
    // setTimeout wraps around beyond 2^31 ms; a token that lives longer than that is renewed by the next connection.
    if (delay > 2 ** 31 - 1) return;
    this.#renewTimer = setTimeout(async () => {
      try {
        await this.request("authenticate", { token: await this.#tokens.get({ fresh: true }) });
        this.#renewBeforeExpiry();
      } catch {
        // The server ends the connection with 4001 when the old token expires; the next attempt brings a fresh one.
      }
    }, delay);
  }

  #onOnline = () => this.retryNow();

  #onOffline = () => {
    if (this.#state === "open" || this.#state === "connecting") this.#lost(1006);
  };

  /** @param {ConnectionState} state */
  #setState(state) {
    if (this.#state === state) return;
    this.#state = state;
    this.emit("state", state);
  }
}
