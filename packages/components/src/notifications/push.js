// @ts-check
import { Push } from "./client_push.js";
import { askPermission, permission } from "./preferences.js";

/** @typedef {import("@haggle/client").HaggleClient} HaggleClient */

/** Who was signed in when this browser was subscribed. */
const OWNER_KEY = "haggle.push-owner";

/**
 * What the browser shows while no page is open, by the page's service worker; `undefined` where that can't be: the page has no
 * worker, the server has no key, or the browser knows no push.
 *
 * @param {HaggleClient} client
 * @param {string} worker address of the page's service worker
 */
export async function openPush(client, worker) {
  if (!worker || !globalThis.PushManager || !navigator.serviceWorker) return undefined;
  const { applicationServerKey } = await client.rest.getFeatures();
  return applicationServerKey ? new DevicePush(client, new URL(worker, document.baseURI).href, applicationServerKey) : undefined;
}

/**
 * Registers this device again, where it is notified: the browser may have changed its address.
 *
 * @param {HaggleClient} client
 * @param {string} worker
 * @param {string} language
 */
export async function renewPush(client, worker, language) {
  const owner = storage()?.getItem(OWNER_KEY);
  // Somebody else has signed in since: what the earlier one receives is not theirs to see.
  if (owner && owner !== client.userId) return (await openPush(client, worker))?.release();
  if ((await subscriptionOf(client).currentId()) === undefined) return;
  const push = await openPush(client, worker);
  if (await push?.isOn()) await push?.turnOn(language);
}

/**
 * Ends what this device is notified of, for a sign-out.
 *
 * @param {HaggleClient} client
 */
export async function endPush(client) {
  await subscriptionOf(client).unsubscribe();
}

/** @param {HaggleClient} client */
function subscriptionOf(client) {
  return new Push(client, { storage: storage() });
}

function storage() {
  try {
    return localStorage;
  } catch {
    // What is forbidden is not there: the subscription is known as long as the page lives.
    return undefined;
  }
}

class DevicePush {
  #push;
  #userId;
  #worker;
  #key;

  /** @param {HaggleClient} client @param {string} worker @param {string} key */
  constructor(client, worker, key) {
    this.#push = subscriptionOf(client);
    this.#userId = client.userId;
    this.#worker = worker;
    this.#key = key;
  }

  /** Whether this device is notified of what the signed-in person receives. */
  async isOn() {
    if (permission() !== "granted" || (await this.#push.currentId()) === undefined) return false;
    return Boolean(await (await this.#registration())?.pushManager.getSubscription());
  }

  /**
   * Has this device notified. The browser asks for its permission, which it takes only from somebody who has just done something.
   *
   * @param {string} language
   * @returns {Promise<boolean>} whether the browser allows it
   */
  async turnOn(language) {
    if ((permission() === "default" ? await askPermission() : permission()) !== "granted") return false;
    const registration = (await this.#registration()) ?? (await navigator.serviceWorker.register(scriptUrl(this.#worker)));
    await active(registration);
    const { pushManager } = registration;
    let subscription = await pushManager.getSubscription();
    if (subscription && keyOf(subscription) !== this.#key) {
      // A worker has one subscription. The page's own is not haggle's to end.
      if ((await this.#push.currentId()) === undefined) throw new Error("the worker has push notifications of the page's own: give haggle a worker with another scope");
      // One for an earlier key of the server's would never be notified.
      subscription = (await subscription.unsubscribe(), null);
    }
    subscription ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: this.#key });
    await this.#push.subscribe(subscription, { language });
    storage()?.setItem(OWNER_KEY, this.#userId);
    return true;
  }

  async turnOff() {
    await this.#push.unsubscribe();
    await this.release();
  }

  /** Ends the browser's subscription, where it is for this server. The server removes its own when nothing can be pushed to it. */
  async release() {
    const subscription = await (await this.#registration())?.pushManager.getSubscription();
    if (subscription && keyOf(subscription) === this.#key) await subscription.unsubscribe();
    storage()?.removeItem(OWNER_KEY);
  }

  async #registration() {
    const registrations = await navigator.serviceWorker.getRegistrations();
    return registrations.find(({ active, waiting, installing }) => (active ?? waiting ?? installing)?.scriptURL === this.#worker);
  }
}

/** @param {ServiceWorkerRegistration} registration */
function active(registration) {
  const worker = registration.installing ?? registration.waiting;
  if (registration.active || !worker) return undefined;
  return new Promise((resolve, reject) =>
    worker.addEventListener("statechange", () => {
      if (worker.state === "activated") resolve(undefined);
      if (worker.state === "redundant") reject(new Error("the page's service worker could not be installed"));
    }),
  );
}

/** The key that a subscription is for, as the server writes it. @param {PushSubscription} subscription */
function keyOf({ options: { applicationServerKey } }) {
  const bytes = String.fromCharCode(...new Uint8Array(applicationServerKey ?? new ArrayBuffer(0)));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** A page has it once. @type {any} */
let policy;

/** The address of the page's own worker, for a page that asks for Trusted Types: it allows the policy `haggle-push`. @param {string} url */
function scriptUrl(url) {
  /** @type {any} */
  const { trustedTypes } = globalThis;
  policy ??= trustedTypes?.createPolicy("haggle-push", { createScriptURL: (/** @type {string} */ own) => own });
  return policy?.createScriptURL(url) ?? url;
}
