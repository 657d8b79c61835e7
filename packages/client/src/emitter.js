// @ts-check

/**
 * A minimal publisher. A listener that throws is reported as an uncaught error and does not stop the others.
 *
 * @template {object} Events names, and what their listeners get
 */
export class Emitter {
  /** @type {Map<string, Set<(data: any) => void>>} */
  #listeners = new Map();

  /**
   * @template {keyof Events & string} Name
   * @param {Name} event
   * @param {(data: Events[Name]) => void} listener
   * @returns {() => void} ends the subscription
   */
  on(event, listener) {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * @param {keyof Events & string} event
   * @param {any} [data]
   */
  emit(event, data) {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        listener(data);
      } catch (error) {
        // Node.js and React Native have no `reportError`.
        if (typeof reportError === "function") reportError(error);
        else
          setTimeout(() => {
            throw error;
          });
      }
    }
  }
}

/**
 * Waits for something that a listener will see.
 *
 * @template T
 * @param {(resolve: (value: T) => void, reject: (error: unknown) => void) => () => void} subscribe returns what ends it
 * @returns {Promise<T>}
 */
export function once(subscribe) {
  /** @type {(() => void) | undefined} */
  let end;
  return new Promise((/** @type {(value: T) => void} */ resolve, reject) => (end = subscribe(resolve, reject))).finally(() => end?.());
}
