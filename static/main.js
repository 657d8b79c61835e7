// @ts-check
import { DemoRest, listCurrencies } from "./client/rest.js";
import { learnCurrencies } from "./ui/money.js";
import { Root } from "./ui/root.js";
import { loadStyles } from "./ui/styles.js";
import { html, render } from "./ui/view.js";

/**
 * The first view, and as little as it needs: what somebody does after having signed in comes while they read it.
 *
 * A marketplace has its own sign-in, and starts with `session.js`.
 */
const base = `${location.origin}/api/v1`;
const demo = new DemoRest(base);

const loadSession = async () => {
  const [session, currencies] = await Promise.all([
    import("./session.js"),
    listCurrencies(base),
    loadStyles(["layout", "market", "conversation", "actions"]),
  ]);
  learnCurrencies(currencies);
  return session;
};

render(html`<${Root} demo=${demo} loadSession=${loadSession} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
