// @ts-check
import { TokenSource } from "../client/token_source.js";
import { languageOf, loadLanguage } from "../components/languages.js";
import { LanguageContext as ComponentsLanguage } from "../components/ui/language.js";
import { html, useEffect, useLayoutEffect, useMemo, useState } from "../components/ui/view.js";
import { LanguageContext, preferredLanguage, rememberLanguage } from "../ui/language.js";
import { Desk } from "./desk.js";
import { forgetDrafts } from "./drafts.js";
import { StaffRest } from "./rest.js";
import { forget, readSession, remember, takeDemoUser } from "./session.js";
import { SignIn } from "./sign_in.js";
import { takeToken } from "./take_token.js";
import { problemOf, readToken } from "./token.js";

/** @typedef {import("./token.js").Problem} Problem */
/** @typedef {import("./session.js").SignedIn} SignedIn */
/** @typedef {import("../demo_rest.js").DemoUser} DemoUser */

/**
 * The whole page: who one is, and then the desk.
 *
 * @param {{demo: import("../demo_rest.js").DemoRest}} props
 */
export function Root({ demo }) {
  const [code, setCode] = useState(preferredLanguage);
  const [components, setComponents] = useState(() => languageOf(code));
  const [signedIn, setSignedIn] = useState(readSession);
  const [problem, setProblem] = useState(/** @type {Problem | undefined} */ (undefined));
  useLayoutEffect(() => void (document.documentElement.lang = code), [code]);

  const language = useMemo(() => ({ code, choose: (/** @type {typeof code} */ next) => (rememberLanguage(next), setCode(next)) }), [code]);
  useEffect(() => void loadLanguage(code).then(() => setComponents(languageOf(code)), () => {}), [code]);

  /** @param {SignedIn | undefined} next @param {Problem} [why] */
  const become = (next, why) => {
    if (next) remember(next);
    else forget();
    // By their own wish, and not because the token has expired.
    if (!next && !why) forgetDrafts();
    setProblem(why);
    setSignedIn(next);
  };
  // Another sign-in, in a window that is open already.
  useEffect(() => {
    const onChange = async () => {
      if (!takeToken() && !(await takeDemoUser())) return;
      become(readSession());
      dispatchEvent(new HashChangeEvent("hashchange"));
    };
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);

  const wrong = signedIn && "token" in signedIn ? problemOf(signedIn.token) : undefined;
  return html`<${LanguageContext.Provider} value=${language}><${ComponentsLanguage.Provider} value=${components}>
    ${signedIn && !wrong
      ? html`<${SignedInDesk} key=${JSON.stringify(signedIn)} signedIn=${signedIn} demo=${demo} leave=${(/** @type {Problem} */ why) => become(undefined, why)} />`
      : html`<${SignIn} demo=${demo} problem=${problem ?? wrong ?? "none"} become=${(/** @type {DemoUser} */ user) => become({ demoUserId: user.id })} />`}
  <//><//>`;
}

/**
 * The desk of one member of the staff. The demo signs them in again by itself; the marketplace's token lasts as long as it says.
 *
 * @param {{signedIn: SignedIn, demo: import("../demo_rest.js").DemoRest, leave: (why?: Problem) => void}} props
 */
function SignedInDesk({ signedIn, demo, leave }) {
  const [me, setMe] = useState(() => ("token" in signedIn ? readToken(signedIn.token) : undefined));
  const rest = useMemo(() => {
    const fetchToken = async () => {
      if ("token" in signedIn) return signedIn.token;
      const token = await demo.signIn(signedIn.demoUserId).catch((error) => {
        // No demo, or another one: one signs in elsewhere.
        if (error.status === 404) leave("none");
        throw error;
      });
      setMe(readToken(token));
      return token;
    };
    return new StaffRest(`${location.origin}/api/v1`, new TokenSource(fetchToken), (code) => leave(/** @type {Problem} */ (code === "forbidden" && !("token" in signedIn) ? "not_staff" : code)));
  }, []);
  return html`<${Desk} rest=${rest} me=${me ?? { id: "demoUserId" in signedIn ? signedIn.demoUserId : "", name: "" }} leave=${leave} />`;
}
