// @ts-check
import { LanguageContext, preferredLanguage, rememberLanguage, useLanguage } from "./language.js";
import { SignIn } from "./sign_in.js";
import { html, useEffect, useLayoutEffect, useMemo, useState } from "../components/ui/view.js";

/** @typedef {import("../demo_rest.js").DemoUser} DemoUser */
/** @typedef {import("@haggle/client").Product} Product */
/** @typedef {typeof import("../session.js")} Session */
/**
 * @typedef {{listUsers(): Promise<DemoUser[]>, listProducts(): Promise<Product[]>, signIn(userId: string): Promise<string>}} Demo
 */

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

/**
 * The whole page: who one is, and then what they see.
 *
 * @param {{demo: Demo, loadSession: () => Promise<Session>}} props
 *   `loadSession` reads everything behind the sign-in
 */
export function Root({ demo, loadSession }) {
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
      ? html`<${SignIn} demo=${demo} become=${become} onShown=${load} />`
      : session
        ? html`<${session.App} user=${user} demo=${demo} newClient=${session.newClient} become=${become} />`
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
