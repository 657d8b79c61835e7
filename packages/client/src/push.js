// @ts-check

/** @import { Push as Declared } from "../types/push.d.ts" */
/** @import { HaggleClient } from "../types/index.d.ts" */
/** @import { OutboxStorage } from "../types/types.d.ts" */

const PATH = "/me/push-subscriptions";

/**
 * `@haggle/client/push`: push notifications of this device. Which subscription it has is kept in the storage, so that a sign-out can
 * end it. `types/push.d.ts` describes each method.
 */
export class Push {
  #rest;
  #key;
  #storage;
  /** @type {string | undefined} */ #id;

  /**
   * @param {HaggleClient} client
   * @param {{storage?: OutboxStorage}} [options]
   */
  constructor({ rest, userId }, { storage } = {}) {
    this.#rest = rest;
    this.#key = `haggle.push/${encodeURIComponent(userId)}`;
    this.#storage = storage;
  }

  /** @type {Declared["currentId"]} */
  async currentId() {
    try {
      return this.#id ?? (await this.#storage?.getItem(this.#key)) ?? undefined;
    } catch {
      // A forbidden storage is an empty one.
      return undefined;
    }
  }

  /** @type {Declared["subscribe"]} */
  async subscribe(device, { language, signal } = {}) {
    const fields = "toJSON" in device ? device.toJSON() : device;
    const subscription = await this.#rest.send("POST", PATH, { ...fields, language }, { signal });
    await this.#keep(subscription.id);
    return subscription;
  }

  /** @type {Declared["unsubscribe"]} */
  async unsubscribe({ id, signal } = {}) {
    const own = await this.currentId();
    const ended = id ?? own;
    if (ended === undefined) return;
    await this.#rest.send("DELETE", `${PATH}/${encodeURIComponent(ended)}`, undefined, { signal });
    if (ended === own) await this.#keep(undefined);
  }

  /** @type {Declared["list"]} */
  async list({ signal } = {}) {
    return (await this.#rest.send("GET", PATH, undefined, { signal })).items;
  }

  /** @param {string | undefined} id */
  async #keep(id) {
    this.#id = id;
    try {
      await (id === undefined ? this.#storage?.removeItem(this.#key) : this.#storage?.setItem(this.#key, id));
    } catch {
      // It is known as long as this object lives.
    }
  }
}
