// @ts-check
import { DemoRest } from "./demo_rest.js";
import { learnCurrencies } from "./ui/money.js";
import { Root } from "./ui/root.js";
import { loadStyles } from "./ui/styles.js";
import { html, render } from "./ui/view.js";

/**
 * The first view, and as little as it needs: what somebody does after having signed in comes while they read it.
 *
 * A marketplace has its own sign-in, and starts with `session.js`.
 */
const demo = new DemoRest(`${location.origin}/api/v1`);

const loadSession = async () => {
  const [session, currencies] = await Promise.all([
    import("./session.js"),
    demo.listCurrencies(),
    loadStyles(["layout", "market", "conversation", "actions"]),
  ]);
  learnCurrencies(currencies);
  return session;
};

render(html`<${Root} demo=${demo} loadSession=${loadSession} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
