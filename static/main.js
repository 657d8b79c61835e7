// @ts-check
import { base } from "./components/styles/base.js";
import { html, render, useEffect, useLayoutEffect, useMemo, useState } from "./components/ui/view.js";
import { LanguageContext, preferredLanguage, rememberLanguage, useLanguage } from "./ui/language.js";
import { SignIn } from "./ui/sign_in.js";

/*
 * The first view, and as little as it needs: what somebody does after having signed in comes while they read it.
 *
 * A marketplace has its own sign-in, and starts with `session.js`.
 */

/** @typedef {import("./demo_rest.js").DemoUser} DemoUser */
/** @typedef {typeof import("./session.js")} Session */

/** In the session's storage, which belongs to one window: the buyer in this one, the seller in the other. */
const USER_KEY = "haggle.user";

/** @returns {DemoUser | undefined} */
function readUser() {
  try {
    return JSON.parse(sessionStorage.getItem(USER_KEY) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

/** The whole page: who one is, and then what they see. */
function Root() {
  const [code, setCode] = useState(preferredLanguage);
  const [user, setUser] = useState(readUser);
  const [session, setSession] = useState(/** @type {Session | undefined} */ (undefined));
  const [failed, setFailed] = useState(false);
  useLayoutEffect(() => void (document.documentElement.lang = code), [code]);

  const language = useMemo(
    () => ({
      code,
      choose: (/** @type {typeof code} */ next) => {
        rememberLanguage(next);
        setCode(next);
      },
    }),
    [code],
  );

  const load = () => {
    if (session) return;
    setFailed(false);
    loadSession().then(setSession, () => setFailed(true));
  };
  useEffect(() => void (user && load()), [user]);

  /** @param {DemoUser | undefined} next */
  const become = (next) => {
    if (next?.role === "staff") return location.assign(`/staff#as=${next.id}`);
    if (next) sessionStorage.setItem(USER_KEY, JSON.stringify(next));
    else sessionStorage.removeItem(USER_KEY);
    // An address that led here is what somebody came for. Without one, buyers look around, and sellers see what came in.
    if (user || !location.hash) location.hash = !next ? "" : next.role === "seller" ? "#/chats" : "#/market";
    setUser(next);
  };

  return html`<${LanguageContext.Provider} value=${language}>
    ${!user
      ? html`<${SignIn} demo=${lists} become=${become} onShown=${load} />`
      : session
        ? html`<${session.App} user=${user} demo=${session.demo} newClient=${session.newClient} become=${become} />`
        : html`<${Waiting} failed=${failed} />`}
  <//>`;
}

/** @param {{failed: boolean}} props */
function Waiting({ failed }) {
  const { t } = useLanguage();
  return html`<main class="notice-page" tabindex="-1">
    ${failed
      ? html`<p role="alert">${t.serverUnreachable}</p><button type="button" class="button" onClick=${() => location.reload()}>${t.tryAgain}</button>`
      : html`<p role="status">${t.loading}</p>`}
  </main>`;
}

/** Everything that follows the sign-in. @returns {Promise<Session>} */
async function loadSession() {
  const [session, currencies] = await Promise.all([import("./session.js"), list("currencies"), import("./session_modules.js")]);
  session.learnCurrencies(currencies);
  return session;
}

/** A list that needs no token. `DemoRest` asks for the same, by way of the client. @param {string} path */
async function list(path) {
  const response = await fetch(`/api/v1/${path}`);
  if (!response.ok) throw new Error(`${path} was answered with ${response.status}`);
  return (await response.json()).items;
}
const lists = { listUsers: () => list("demo/users"), listProducts: () => list("demo/products") };

document.adoptedStyleSheets.push(base());
render(html`<${Root} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
