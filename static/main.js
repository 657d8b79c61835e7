// @ts-check
import { base } from "./components/styles/base.js";
import { keepFocus } from "./components/ui/keep_focus.js";
import { learnCurrencies } from "./components/ui/money.js";
import { html, render } from "./components/ui/view.js";
import { DemoRest } from "./demo_rest.js";
import { Root } from "./ui/root.js";

/**
 * The first view, and as little as it needs: what somebody does after having signed in comes while they read it.
 *
 * A marketplace has its own sign-in, and starts with `session.js`.
 */
const demo = new DemoRest(`${location.origin}/api/v1`);

const loadSession = async () => {
  const [session, currencies] = await Promise.all([import("./session.js"), demo.listCurrencies(), import("./session_modules.js")]);
  learnCurrencies(currencies);
  return session;
};

// The same style sheets as in the shadow roots of the components.
document.adoptedStyleSheets.push(base());
const app = /** @type {HTMLElement} */ (document.getElementById("app"));
keepFocus(app);
render(html`<${Root} demo=${demo} loadSession=${loadSession} />`, app);
