/**
 * `@haggle/components`: the chat of a marketplace as custom elements. Importing it defines them.
 *
 * This page is everything that the package exports.
 */

import type { HaggleClient, HaggleError } from "@haggle/client";

export { HaggleClient, HaggleError } from "@haggle/client";

/** Where in a messenger one is, or wants to go. `seq`: the message that one came for. */
export type Place = { view: "inbox"; roomId?: undefined; seq?: undefined } | { view: "room"; roomId: string; seq?: number };

/** Some of the strings, nested as in `@haggle/components/languages/en`. What is missing stays as it is. */
export interface Words {
  [name: string]: string | ((...values: any[]) => string | undefined) | Words;
}

/**
 * Adds a language, or replaces one. What it lacks is said in English. An element takes its language from its own `lang`, or from
 * that of what it stands in.
 *
 * @param code such as `fr` or `pt-BR` (BCP 47)
 */
export function registerLanguage(code: string, strings: Words): void;

/** Reads a language that comes with the package (`ko`, `de`) before an element asks for it. */
export function loadLanguage(tag: string): Promise<void>;

/** What all elements have in common. */
export interface HaggleElement extends HTMLElement {
  /** Attribute `server`: the server's address. Without it, the page's own. */
  server: string;
  /**
   * Attribute `token-url`: where the page's backend hands out tokens for the user who is signed in there, as text or as JSON
   * `{token}`. Elements with the same `server` and `token-url` share one connection.
   */
  tokenUrl: string;
  /** In place of `token-url`, for one element. */
  fetchToken: ((options?: { signal?: AbortSignal }) => Promise<string> | string) | undefined;
  /** In place of `server` and `token-url`: a client that the page connects and closes itself. */
  client: HaggleClient | undefined;
  /** The page's address for a place. With it, ways to rooms are links, which open in a new tab as well. */
  hrefFor: ((place: Place) => string | undefined) | undefined;
  /** The page's own words in place of some. */
  strings: Words | undefined;
  /** A new session, after somebody has signed in again; for all elements that shared the old one. */
  reconnect(): void;
  /** Puts the focus where one writes, and else at the beginning. */
  focus(options?: FocusOptions): void;
}

/** An element that shows a room, or marks one. */
export interface HaggleRoomElement extends HaggleElement {
  /** Attribute `room`: its id; empty for none. */
  room: string;
  /** Attribute `seq`: the number of the message that one came for; 0 for none. Set again, it is scrolled to again. */
  seq: number;
}

/**
 * `<haggle-messenger>`: the inbox, and the conversation named by `room`; one of the two where it is narrower than 1,000 pixels. What is
 * inside the element is shown where no conversation is, and in a narrow one in place of the inbox with `narrow="content"`.
 */
export interface HaggleMessenger extends HaggleRoomElement {}
export const HaggleMessenger: { new (): HaggleMessenger; prototype: HaggleMessenger };

/** `<haggle-inbox>`: one's own conversations with filters and a search. `room` marks the one that is open elsewhere on the page. */
export interface HaggleInbox extends HaggleRoomElement {}
export const HaggleInbox: { new (): HaggleInbox; prototype: HaggleInbox };

/** `<haggle-conversation room="…">`: one conversation. The attribute `back` adds a button that asks for the inbox. */
export interface HaggleConversation extends HaggleRoomElement {}
export const HaggleConversation: { new (): HaggleConversation; prototype: HaggleConversation };

/** `<haggle-unread>`: how many messages are unread, and nothing when there are none. */
export interface HaggleUnread extends HaggleElement {}
export const HaggleUnread: { new (): HaggleUnread; prototype: HaggleUnread };

/** `<haggle-settings>`: what other members get to see of one. */
export interface HaggleSettings extends HaggleElement {}
export const HaggleSettings: { new (): HaggleSettings; prototype: HaggleSettings };

/** What the elements dispatch. They bubble, and leave shadow roots. */
export interface HaggleEvents {
  /**
   * Somebody wants to go somewhere. `preventDefault()` when the page's router takes them there. Otherwise a link is followed, and a
   * messenger without links goes there by itself.
   */
  "haggle-navigate": CustomEvent<Place>;
  /** The session has ended, and only a new one helps. */
  "haggle-stopped": CustomEvent<HaggleError>;
  /** From a messenger, an inbox or a badge: the number of unread messages has changed. */
  "haggle-unread": CustomEvent<{ unread: number }>;
}

declare global {
  interface HTMLElementTagNameMap {
    "haggle-messenger": HaggleMessenger;
    "haggle-inbox": HaggleInbox;
    "haggle-conversation": HaggleConversation;
    "haggle-unread": HaggleUnread;
    "haggle-settings": HaggleSettings;
  }

  interface HTMLElementEventMap extends HaggleEvents {}
  interface DocumentEventMap extends HaggleEvents {}
  interface WindowEventMap extends HaggleEvents {}
}
