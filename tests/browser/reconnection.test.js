import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launchBrowser, Window } from "./support/browser.js";
import { DemoServer } from "./support/demo_server.js";

for (const wire of ["socketIo", "plain"]) {
  describe(`over ${wire}`, () => {
    let server;
    let browser;

    before(async () => {
      [server, browser] = await Promise.all([DemoServer.start(), launchBrowser()]);
    });

    after(async () => {
      await browser?.close();
      await server?.stop();
    });

    test("nothing acknowledged is lost by a SIGKILL, and what was typed meanwhile follows, once", async () => {
      const buyer = await (await Window.open(browser, server.url, { wire })).signIn("김민아");
      const seller = await (await Window.open(browser, server.url, { wire })).signIn("Sofía");
      await buyer.openChat("Brass desk lamp");
      await seller.openChat("Brass desk lamp");
      for (const number of [1, 2, 3]) {
        await buyer.send(`before ${number}`);
        await seller.send(`answer ${number}`);
      }
      await buyer.message("before 3", "read").waitFor();
      await seller.message("answer 3", "read").waitFor();
      const acknowledged = await buyer.texts();

      await server.kill();
      await Promise.all([buyer.banner.waitFor(), seller.banner.waitFor()]);
      await buyer.send("typed while away 1");
      await buyer.send("typed while away 2");
      await seller.send("typed while away, too");
      await buyer.message("typed while away 2", "sending").waitFor();
      await buyer.screenshot("offline");
      await buyer.assertAccessible("a conversation while offline");

      await server.restart();
      await buyer.message("typed while away 2", "read").waitFor();
      await seller.message("typed while away, too", "read").waitFor();
      await Promise.all([buyer.banner.waitFor({ state: "detached" }), seller.banner.waitFor({ state: "detached" })]);

      const texts = await buyer.texts();
      assert.deepEqual(texts.slice(0, acknowledged.length), acknowledged);
      assert.deepEqual(texts.slice(acknowledged.length).sort(), ["typed while away 1", "typed while away 2", "typed while away, too"]);
      assert.ok(texts.indexOf("typed while away 1") < texts.indexOf("typed while away 2"), "in the order they were typed");
      assert.deepEqual(await seller.texts(), texts);

      buyer.forgiveLostConnections();
      seller.forgiveLostConnections();
      await buyer.page.reload();
      await buyer.message("typed while away 2").waitFor();
      assert.deepEqual(await buyer.texts(), texts);
      await Promise.all([buyer.close(), seller.close()]);
    });

    test("who was away catches up, silently and in order", async () => {
      const buyer = await (await Window.open(browser, server.url, { wire })).signIn("Jonas");
      const seller = await (await Window.open(browser, server.url, { wire })).signIn("Priya");
      await buyer.openChat("Steel touring bike");
      await seller.openChat("Steel touring bike");
      await seller.send("here we go");
      await buyer.message("here we go").waitFor();

      await buyer.page.context().setOffline(true);
      await buyer.page.getByText("You’re offline.").waitFor();
      const missed = Array.from({ length: 5 }, (_, index) => `missed ${index + 1}`);
      for (const text of missed) await seller.send(text);
      await seller.message("missed 5", "sent").waitFor();
      await buyer.send("from the tunnel");
      await buyer.page.context().setOffline(false);

      await seller.message("from the tunnel").waitFor();
      await seller.message("missed 5", "read").waitFor();
      await buyer.message("from the tunnel", "read").waitFor();
      assert.deepEqual((await buyer.texts()).slice(-7), ["here we go", ...missed, "from the tunnel"]);
      assert.deepEqual(await buyer.texts(), await seller.texts());
      buyer.forgiveLostConnections();
      await Promise.all([buyer.close(), seller.close()]);
    });

    test("a draining server is left and found again", async () => {
      const buyer = await (await Window.open(browser, server.url, { wire })).signIn("Amara");
      await buyer.openChat("Parlour guitar");
      await server.drain();
      await buyer.send("while it restarts");
      await buyer.message("while it restarts", "sending").waitFor();
      await server.restart();
      await buyer.message("while it restarts", "sent").waitFor();
      assert.equal(await buyer.message("while it restarts").count(), 1);
      buyer.forgiveDrain();
      await buyer.close();
    });
  });
}
