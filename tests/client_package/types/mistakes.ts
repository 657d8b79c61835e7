/* Mistakes that must not compile: an unused @ts-expect-error is an error itself. */
import { HaggleClient, HaggleError, Room, type Message, type OfferStatus, type Wire } from "@haggle/client";
// @ts-expect-error what is not exported is nobody's business
import { Connection } from "@haggle/client/src/connection.js";

declare const client: HaggleClient;
declare const message: Message;

// @ts-expect-error without a user
new HaggleClient({ baseUrl: "https://chat.example", fetchToken: async () => "token" });
// @ts-expect-error a token is a string
new HaggleClient({ userId: "mina", baseUrl: "https://chat.example", fetchToken: async () => ({ token: "t" }) });
// @ts-expect-error no such option
new HaggleClient({ userId: "mina", baseUrl: "https://chat.example", fetchToken: async () => "token", reconnect: false });
// @ts-expect-error no such event
client.on("messages", () => {});
// @ts-expect-error a message is no string
client.on("message", (text: string) => text);
// @ts-expect-error no such event
client.request("say", {});
// @ts-expect-error without an amount
client.request("offer", { currency: "USD" });
// @ts-expect-error an amount is a number
client.room("r").offer({ amount: "12900", currency: "USD" });
// @ts-expect-error no such answer
client.room("r").answerOffer("m", "refuse");
// @ts-expect-error no such status
client.rest.setProductStatus("bike", "gone");
// @ts-expect-error no such category
client.rest.report({ roomId: "r", category: "rude" });
// @ts-expect-error no such setting
client.rest.setSettings({ online: false });
// @ts-expect-error only the client changes it
client.room("r").closed = false;
// @ts-expect-error only the client changes it
client.inbox.loaded = true;
// @ts-expect-error only the client emits
client.emit("state", "open");
// @ts-expect-error only a message of the kind `offer` has a status
message.data.status;
if (message.kind === "text") {
  // @ts-expect-error its data is whatever the sender wrote: check it first
  message.data.anything;
}
// @ts-expect-error no such status
const status: OfferStatus = "open";
// @ts-expect-error a wire returns a line
const wire: Wire = () => {};
// @ts-expect-error the result is a page, no list
client.rest.listRooms().then((rooms) => rooms.map(String));
// @ts-expect-error without a code
new HaggleError();
// @ts-expect-error only the client makes rooms
new Room("r");
export { Connection, status, wire };
