// @ts-check
import { Icon } from "./icons.js";
import { html } from "./view.js";

/**
 * A person's picture, or the first letter of the name. Decoration: the name always stands beside it.
 *
 * @param {{user: {name: string, avatarUrl?: string}, size?: "s" | "m" | "l", online?: boolean}} props
 */
export function Avatar({ user, size = "m", online }) {
  return html`<span class="avatar avatar-${size}" aria-hidden="true">
    ${user.avatarUrl
      ? html`<img src=${user.avatarUrl} alt="" loading="lazy" />`
      : html`<span class="avatar-letter">${[...user.name][0]}</span>`}
    ${online && html`<span class="presence-dot"></span>`}
  </span>`;
}

/** @param {{product: {title: string, imageUrl?: string}, class?: string}} props */
export function ProductPicture({ product, class: className = "" }) {
  return html`<span class="picture ${className}" aria-hidden="true">
    ${product.imageUrl ? html`<img src=${product.imageUrl} alt="" loading="lazy" />` : html`<${Icon} name="offer" />`}
  </span>`;
}
