// @ts-check
import "./haggle.js";

/*
 * The messenger in an iframe. The page around it, which the server's `--frame-ancestors` has let in, signs people in: it is asked for
 * a token by a message, and answers with one.
 *
 * To the page: `{haggle: "token"}`, `{haggle: "navigate", view, roomId?, seq?}`, `{haggle: "unread", unread}`, `{haggle: "stopped", code}`.
 * From it: `{haggle: "token", token}`, `{haggle: "show", room?, seq?, lang?, theme?}`; the address may say the same as `show` in its query.
 */

const messenger = /** @type {import("@haggle/components").HaggleMessenger} */ (document.querySelector("haggle-messenger"));

/** Any page that shows the frame may read this: the server's policy decides which ones can. @param {object} message */
const say = (message) => parent.postMessage(message, "*");

/** A page that listens only later than the frame asks is asked again. */
const ASK_AGAIN_MS = 1_000;

/** @type {(token: string) => void} */
let answer = () => {};

/** @param {Record<string, string | undefined>} wanted */
function show(wanted) {
  for (const name of ["room", "seq", "lang", "theme"]) {
    const value = wanted[name];
    if (value) messenger.setAttribute(name, value);
    else if (value === "") messenger.removeAttribute(name);
  }
}

addEventListener("message", ({ source, data }) => {
  if (source !== parent || typeof data !== "object" || data === null) return;
  if (data.haggle === "token" && typeof data.token === "string") answer(data.token);
  if (data.haggle === "show") show(data);
});

messenger.addEventListener("haggle-navigate", ({ detail }) => say({ haggle: "navigate", ...detail }));
messenger.addEventListener("haggle-unread", ({ detail }) => say({ haggle: "unread", ...detail }));
messenger.addEventListener("haggle-stopped", ({ detail: { code } }) => say({ haggle: "stopped", code }));

show(Object.fromEntries(new URLSearchParams(location.search)));
messenger.fetchToken = ({ signal } = {}) =>
  new Promise((resolve, reject) => {
    const ask = () => say({ haggle: "token" });
    const asking = setInterval(ask, ASK_AGAIN_MS);
    answer = (token) => {
      clearInterval(asking);
      resolve(token);
    };
    signal?.addEventListener("abort", () => {
      clearInterval(asking);
      reject(signal.reason);
    });
    ask();
  });
