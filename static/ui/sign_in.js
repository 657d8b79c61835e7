// @ts-check
import { languages } from "../strings.js";
import { useLanguage } from "./language.js";
import { html, useEffect, useState } from "../components/ui/view.js";

/** @typedef {import("../demo_rest.js").DemoUser} DemoUser */
/** @typedef {import("@haggle/client").Product} Product */
/** @typedef {Pick<import("../demo_rest.js").DemoRest, "listUsers" | "listProducts">} Demo */

/** The mark: two people's bubbles, and the price between them. */
export function Logo() {
  return html`<img class="logo" src="/pictures/haggle.svg" alt="" width="30" height="30" />`;
}

/**
 * @param {{demo: Demo, become: (user: DemoUser) => void, onShown: () => void}} props
 *   `onShown`: the people are in sight, and the network is free for what comes next
 */
export function SignIn({ demo, become, onShown }) {
  const { t } = useLanguage();
  return html`<main class="sign-in" tabindex="-1">
    <div class="sign-in-card">
      <header class="sign-in-head">
        <p class="brand brand-large"><${Logo} /><span>haggle</span></p>
        <${LanguageSwitch} />
      </header>
      <h1>${t.signInLead}</h1>
      <p class="lead">${t.signInHint}</p>
      <${PeopleList} demo=${demo} become=${become} onShown=${onShown} />
    </div>
  </main>`;
}

/**
 * The demo's people, by what they do there.
 *
 * @param {{demo: Demo, become: (user: DemoUser) => void, current?: string, onShown?: () => void}} props
 */
export function PeopleList({ demo, become, current, onShown }) {
  const { t } = useLanguage();
  const [people, setPeople] = useState(/** @type {DemoUser[] | undefined} */ (undefined));
  const [products, setProducts] = useState(/** @type {Product[]} */ ([]));
  const [failed, setFailed] = useState(false);

  const load = () => {
    setFailed(false);
    demo.listUsers().then(setPeople, () => setFailed(true));
    // An ornament: without it the list works as well.
    demo.listProducts().then(setProducts, () => {});
  };
  useEffect(load, []);
  useEffect(() => void (people && onShown?.()), [people]);

  if (failed) {
    return html`<div class="notice" role="alert">
      <p>${t.serverUnreachable}</p>
      <button type="button" class="button" onClick=${load}>${t.tryAgain}</button>
    </div>`;
  }
  if (!people) return html`<p class="notice" role="status">${t.loading}</p>`;

  const groups = [
    { title: t.buyers, members: people.filter(({ role }) => role === "buyer") },
    { title: t.sellers, members: people.filter(({ role }) => role === "seller") },
    { title: t.staff, members: people.filter(({ role }) => role === "staff") },
  ].filter(({ members }) => members.length > 0);

  return html`<div class="people">
    ${groups.map(
      ({ title, members }) => html`<section class="people-group">
        <h2>${title}</h2>
        <ul>
          ${members.map((person) => {
            const things = products.filter(({ sellerId }) => sellerId === person.id);
            return html`<li>
              <button type="button" class="person" aria-pressed=${current ? String(person.id === current) : undefined} onClick=${() => become(person)}>
                <span class="avatar" aria-hidden="true"><${Face} person=${person} /></span>
                <span class="person-text">
                  <span class="person-name">${person.name}</span>
                  <span class="person-note">${things.length > 0 ? t.sells(things.map(({ title }) => title)) : person.role === "buyer" && t.looking}</span>
                </span>
                <span class="person-things">${things.slice(0, 3).map(({ imageUrl }) => html`<span class="picture picture-dot" aria-hidden="true">${imageUrl && html`<img src=${imageUrl} alt="" loading="lazy" />`}</span>`)}</span>
              </button>
            </li>`;
          })}
        </ul>
      </section>`,
    )}
  </div>`;
}

/** The first view does without the components, whose pictures do more. @param {{person: DemoUser}} props */
function Face({ person: { name, avatarUrl } }) {
  return avatarUrl ? html`<img src=${avatarUrl} alt="" loading="lazy" />` : html`<span class="avatar-letter">${[...name][0]}</span>`;
}

export function LanguageSwitch() {
  const { t, code, choose } = useLanguage();
  return html`<div class="segments" role="group" aria-label=${t.language}>
    ${Object.entries(languages).map(
      ([other, { languageName }]) => html`<button type="button" lang=${other} aria-pressed=${String(other === code)} onClick=${() => choose(/** @type {typeof code} */ (other))}>${languageName}</button>`,
    )}
  </div>`;
}
