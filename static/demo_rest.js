// @ts-check
import { fetchJson, json } from "./client/http.js";

/** @import { Currency, Product, User } from "@haggle/client" */

/** @typedef {User & {role?: string}} DemoUser */

/** The routes that exist only under `haggle demo`; a marketplace has its own sign-in and its own products. */
export class DemoRest {
  #base;

  /** @param {string} base such as `https://chat.example.com/api/v1` */
  constructor(base) {
    this.#base = base;
  }

  /** @returns {Promise<DemoUser[]>} */
  async listUsers() {
    return (await fetchJson(`${this.#base}/demo/users`)).items;
  }

  /** @returns {Promise<Product[]>} */
  async listProducts() {
    return (await fetchJson(`${this.#base}/demo/products`)).items;
  }

  /**
   * @param {string} userId
   * @returns {Promise<string>} a token for that user
   */
  async signIn(userId) {
    return (await fetchJson(`${this.#base}/demo/sign-in`, { method: "POST", ...json({ userId }) })).token;
  }

  /**
   * The currencies of prices, without a token.
   * @returns {Promise<Currency[]>}
   */
  async listCurrencies() {
    return (await fetchJson(`${this.#base}/currencies`)).items;
  }
}
