// @ts-check

/*
 * Whether this device notifies, and with a sound: what somebody has chosen here, and what their browser allows.
 */

/**
 * @typedef {object} Preferences
 * @property {boolean} messages a notification of the system, where the browser allows it
 * @property {boolean} sound
 * @property {boolean} asked whether the browser's question was put once
 */

const KEY = "haggle.notifications";

/** @type {Preferences} where nothing may be kept, as long as the page lives */
let current = { messages: true, sound: true, asked: false };

/** @returns {Preferences} as all windows of the browser have them */
export function readPreferences() {
  try {
    current = { ...current, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    // What can't be read is as it was.
  }
  return current;
}

/** @param {Partial<Preferences>} change */
export function changePreferences(change) {
  current = { ...readPreferences(), ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // See `current`.
  }
}

/** @returns {NotificationPermission | "unsupported"} */
export function permission() {
  return globalThis.Notification?.permission ?? "unsupported";
}

/** Puts the browser's question, which it takes only from somebody who has just done something. */
export function askPermission() {
  changePreferences({ asked: true });
  return Notification.requestPermission();
}
