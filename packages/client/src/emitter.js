// @ts-check

/** A minimal publisher. A listener that throws is reported as an uncaught error and does not stop the others. */
export class Emitter {
  /** @type {Map<string, Set<(data: any) => void>>} */
  #listeners = new Map();

  /**
   * @param {string} event
   * @param {(data: any) => void} listener
   * @returns {() => void} ends the subscription
   */
  on(event, listener) {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * @param {string} event
   * @param {any} [data]
   */
  emit(event, data) {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        listener(data);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
