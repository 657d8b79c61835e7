// @ts-check

/*
 * What session.js imports, and what those import, one by one: a browser asks for all of them at once, and does not learn of them
 * level by level. Read next to session.js.
 */
import "./client/plain_wire.js";
import "./client/socket_io_wire.js";
import "./components/index.js";
import "./components/elements/conversation.js";
import "./components/styles/frame.js";
import "./components/styles/layout.js";
import "./components/styles/search.js";
import "./components/ui/signed_in.js";
import "./components/ui/connection_banner.js";
import "./components/ui/language.js";
import "./components/languages/en.js";
import "./components/ui/inbox_pane.js";
import "./components/ui/inbox_list.js";
import "./components/ui/inbox_row.js";
import "./components/ui/composer_drafts.js";
import "./components/ui/message_text.js";
import "./components/ui/search.js";
import "./components/ui/attempt.js";
import "./components/elements/room_element.js";
import "./components/elements/element.js";
import "./components/languages.js";
import "./components/elements/session.js";
import "./components/client.js";
import "./client/index.js";
import "./client/client.js";
import "./client/clock.js";
import "./client/connection.js";
import "./client/backoff.js";
import "./client/emitter.js";
import "./client/images.js";
import "./client/inbox.js";
import "./client/outbox.js";
import "./client/outbox_store.js";
import "./client/rest.js";
import "./client/room.js";
import "./client/timeline.js";
import "./client/room_tokens.js";
import "./client/token_source.js";
import "./components/elements/inbox.js";
import "./components/elements/messenger.js";
import "./components/elements/settings.js";
import "./components/elements/unread.js";
import "./styles/shop.js";
import "./vendor/socket.io.esm.min.js";
import "./ui/app.js";
import "./ui/wire_switch.js";
import "./ui/market.js";
import "./ui/navigation.js";
