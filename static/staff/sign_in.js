// @ts-check
import { Avatar } from "../components/ui/avatar.js";
import { html, useEffect, useState } from "../components/ui/view.js";
import { LanguageSwitch, Logo } from "../ui/sign_in.js";
import { readFeatures, rememberPlace } from "./session.js";
import { useWords } from "./words.js";

/** @typedef {import("../demo_rest.js").DemoUser} DemoUser */

/**
 * Who signs staff in here: the marketplace, under an address that the server may know, or the demo, which takes anyone.
 *
 * @param {{demo: import("../demo_rest.js").DemoRest, problem: import("./token.js").Problem, become: (user: DemoUser) => void}} props
 */
export function SignIn({ demo, problem, become }) {
  const { t } = useWords();
  const [people, setPeople] = useState(/** @type {DemoUser[] | undefined} */ (undefined));
  const [url, setUrl] = useState("");
  const [failed, setFailed] = useState(false);

  const load = async () => {
    setFailed(false);
    try {
      const features = await readFeatures();
      setUrl(features.staffSignInUrl ?? "");
      setPeople(features.demo ? (await demo.listUsers()).filter(({ role }) => role === "staff") : []);
    } catch {
      setFailed(true);
    }
  };
  useEffect(() => {
    document.title = `${t.signIn.title} – haggle`;
    rememberPlace();
    load();
  }, []);

  return html`<main class="sign-in-page" tabindex="-1">
    <div class="card sign-in-box">
      <header class="bar">
        <p class="brand"><${Logo} /><span>haggle</span></p>
        <${LanguageSwitch} />
      </header>
      <h1>${t.signIn.title}</h1>
      ${problem !== "none" && html`<p class="form-failure" role="alert">${t.signIn.problems[problem] ?? t.signIn.problems.unauthenticated}</p>`}
      ${failed && html`<div class="notice" role="alert"><p>${t.failures.unreachable}</p><button type="button" class="button" onClick=${load}>${t.tryAgain}</button></div>`}
      ${!failed && !people && html`<p class="soft" role="status">${t.loading}</p>`}
      ${people && html`<${Ways} people=${people} url=${url} become=${become} />`}
    </div>
  </main>`;
}

/** @param {{people: DemoUser[], url: string, become: (user: DemoUser) => void}} props */
function Ways({ people, url, become }) {
  const { t } = useWords();
  return html`
    ${url && html`<p><a class="button button-primary" href=${url}>${t.signIn.atMarketplace}</a></p>`}
    ${!url && people.length === 0 && html`<p class="soft">${t.signIn.how}</p>`}
    ${people.length > 0 &&
    html`<p class="soft">${t.signIn.demo}</p>
      <ul class="stack">
        ${people.map(
          (person) => html`<li><button type="button" class="row person" onClick=${() => become(person)}>
            <${Avatar} user=${person} size="m" /><span class="grow"><strong>${person.name}</strong><span class="soft block">${t.signIn.moderator}</span></span>
          </button></li>`,
        )}
      </ul>`}
  `;
}
