// @ts-check
import { HaggleClient } from "./client/client.js";
import { DemoRest } from "./client/rest.js";
import { App } from "./ui/app.js";
import { html, render } from "./ui/view.js";

/**
 * Where the wire (`client/`) and the DOM (`ui/`) meet; neither imports the other.
 *
 * A marketplace has its own sign-in: instead of `demo.signIn`, its `fetchToken` asks its own backend.
 */
const demo = new DemoRest(`${location.origin}/api/v1`);

/** @param {string} userId */
const newClient = (userId) =>
  new HaggleClient({
    userId,
    baseUrl: location.origin,
    fetchToken: () => demo.signIn(userId),
    storage: sessionStorage,
  });

render(html`<${App} demo=${demo} newClient=${newClient} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
