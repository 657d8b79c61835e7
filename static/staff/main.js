// @ts-check
import { loadLanguage } from "../components/languages.js";
import { base } from "../components/styles/base.js";
import { dialogs } from "../components/styles/dialogs.js";
import { keepFocus } from "../components/ui/keep_focus.js";
import { learnCurrencies } from "../components/ui/money.js";
import { html, render } from "../components/ui/view.js";
import { DemoRest } from "../demo_rest.js";
import { preferredLanguage } from "../ui/language.js";
import { Root } from "./root.js";
import { takeDemoUser } from "./session.js";
import { frame } from "./styles/frame.js";
import { parts } from "./styles/parts.js";

/** The desk of the marketplace's staff. Nothing but the page at `/staff` reads it. */

document.adoptedStyleSheets.push(base(), dialogs(), frame(), parts());
const app = /** @type {HTMLElement} */ (document.getElementById("app"));
keepFocus(app);
const demo = new DemoRest(`${location.origin}/api/v1`);
// Prices without them have no decimals, which is no reason to show nothing.
const currencies = demo.listCurrencies().then(learnCurrencies, () => {});
await Promise.all([currencies, loadLanguage(preferredLanguage()), takeDemoUser()]);
render(html`<${Root} demo=${demo} />`, app);
