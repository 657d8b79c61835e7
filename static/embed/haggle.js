/*
 * The components of haggle, for any page: <script type="module" src="…/embed/haggle.js"></script>
 *
 * The imports of components/index.js stand here one by one, so that a browser asks for all of them at once.
 */
import "./components/client.js";
import "./client/index.js";
import "./client/plain_wire.js";
import "./client/error.js";
import "./client/client.js";
import "./client/clock.js";
import "./client/connection.js";
import "./client/backoff.js";
import "./client/images.js";
import "./client/emitter.js";
import "./client/room.js";
import "./client/outbox.js";
import "./client/outbox_store.js";
import "./client/timeline.js";
import "./client/inbox.js";
import "./client/receipts.js";
import "./client/rest.js";
import "./client/http.js";
import "./client/room_tokens.js";
import "./client/token_source.js";
import "./client/socket_io_wire.js";
import "./components/elements/messenger.js";
import "./components/elements/room_element.js";
import "./components/elements/element.js";
import "./components/elements/session.js";
import "./components/ui/money.js";
import "./components/ui/view.js";
import "./components/vendor/preact.js";
import "./components/vendor/preact-hooks.js";
import "./components/vendor/htm.js";
import "./components/ui/keep_focus.js";
import "./components/languages.js";
import "./components/languages/en.js";
import "./components/ui/language.js";
import "./components/styles/base.js";
import "./components/styles/frame.js";
import "./components/ui/host.js";
import "./components/styles/layout.js";
import "./components/ui/signed_in.js";
import "./components/ui/icons.js";
import "./components/ui/search.js";
import "./components/ui/inbox_list.js";
import "./components/ui/inbox_row.js";
import "./components/ui/message_text.js";
import "./components/ui/composer_drafts.js";
import "./components/ui/avatar.js";
import "./components/ui/attempt.js";
import "./components/styles/search.js";
import "./components/elements/inbox.js";
import "./components/elements/unread.js";
import "./components/elements/settings.js";
import "./components/elements/conversation.js";
export * from "./components/index.js";

// A module of its own, for pages that have one of its elements.
if (document.querySelector("haggle-notifications, haggle-notification-settings")) void import("./components/notifications.js");
