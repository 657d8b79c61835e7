// @ts-check
import { useAddress } from "./host.js";
import { Icon } from "./icons.js";
import { html } from "./view.js";

/**
 * A person's picture, or the first letter of the name. Decoration: the name always stands next to it.
 *
 * @param {{user: {name: string, avatarUrl?: string}, size?: "s" | "m" | "l", online?: boolean}} props
 */
export function Avatar({ user, size = "m", online }) {
  return html`<span class="avatar avatar-${size}" aria-hidden="true">
    ${user.avatarUrl
      ? html`<${Decoration} url=${user.avatarUrl} />`
      : html`<span class="avatar-letter">${[...user.name][0]}</span>`}
    ${online && html`<span class="presence-dot"></span>`}
  </span>`;
}

/** @param {{product: {title: string, imageUrl?: string}, class?: string}} props */
export function ProductPicture({ product, class: className = "" }) {
  return html`<span class="picture ${className}" aria-hidden="true">
    ${product.imageUrl ? html`<${Decoration} url=${product.imageUrl} />` : html`<${Icon} name="offer" />`}
  </span>`;
}

/** @param {{url: string}} props */
function Decoration({ url }) {
  return html`<img src=${useAddress(url)} alt="" loading="lazy" />`;
}
