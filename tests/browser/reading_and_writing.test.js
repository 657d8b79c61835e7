import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, Window } from "./support/browser.js";
import { browser, server, stage } from "./support/stage.js";

/* How it is to read and to write here: with a screen reader, in Korean, over years of history, on a bad network. */

stage({ HAGGLE_MAX_REQUESTS_PER_SECOND: "0" });

const open = async (name, options) => (await Window.open(browser, server.url, options)).signIn(name);

test("each new message is announced once, also when it says the same again, and one's own and older ones never", async () => {
  const reader = await open("Jonas", { wire: "plain" });
  const writer = await open("Priya");
  await reader.openChat("Steel touring bike");
  await writer.openChat("Steel touring bike");
  await reader.page.evaluate(() => {
    window.announced = [];
    const regions = all("[aria-live=polite]");
    for (const region of regions) {
      new MutationObserver((changes) => {
        for (const { addedNodes } of changes) for (const node of addedNodes) window.announced.push(node.textContent);
      }).observe(region, { childList: true, subtree: true, characterData: true });
    }
  });
  await reader.send("my own words");
  for (const text of ["ok", "ok", "then tomorrow"]) {
    await writer.send(text);
    await writer.message(text, "read").last().waitFor();
  }
  await reader.message("then tomorrow").waitFor();
  assert.deepEqual(await reader.page.evaluate(() => window.announced), ["Priya Nair: ok", "Priya Nair: ok", "Priya Nair: then tomorrow"]);
  // The history itself stays silent: it would read everything a second time.
  assert.equal(await reader.page.getByRole("log").getAttribute("aria-live"), "off");
  await Promise.all([reader.close(), writer.close()]);
});

test("Enter ends a syllable while Korean is composed, and sends only after that", async () => {
  const window = await open("김민아", { locale: "ko-KR" });
  const { page } = window;
  await window.openChat("Brass desk lamp");
  const before = await page.locator(".line").count();
  await window.composer.focus();
  const keyboard = await page.context().newCDPSession(page);
  await keyboard.send("Input.insertText", { text: "안" });
  await keyboard.send("Input.imeSetComposition", { text: "녕", selectionStart: 1, selectionEnd: 1 });
  await page.keyboard.press("Enter");
  assert.equal(await page.locator(".line").count(), before, "nothing was sent");
  await keyboard.send("Input.insertText", { text: "녕" });
  assert.equal((await window.composer.inputValue()).trim(), "안녕");
  await page.keyboard.press("Enter");
  await window.message("안녕", "sent").waitFor();
  assert.equal(await page.locator(".line").count(), before + 1);
  await window.close();
});

test("what was being written is still there after a look at another conversation, each its own", async () => {
  const window = await open("Priya");
  await window.openChat("Steel touring bike");
  await window.composer.fill("half a sentence");
  await window.openChat("Parlour guitar");
  assert.equal(await window.composer.inputValue(), "");
  await window.composer.fill("another");
  await window.openChat("Steel touring bike");
  assert.equal(await window.composer.inputValue(), "half a sentence");
  await window.close();
});

test("hundreds of messages are read back to the first, each once and in order, and found again by a search", async () => {
  const { id: roomId } = await server.api("POST", "/rooms", { productId: "monstera" }, { as: "amara" });
  for (let line = 1; line <= 300; line += 1) {
    await server.api("POST", `/rooms/${roomId}/messages`, { text: `line ${line}${line === 30 ? " with a marmalade" : ""}` }, { as: line % 3 ? "amara" : "sofia" });
  }
  await server.api("PUT", `/rooms/${roomId}/read`, { seq: 300 }, { as: "sofia" });
  const window = await open("Sofía", { viewport: PHONE });
  const { page } = window;
  await window.openChat("Monstera");
  await window.message("line 300").waitFor();
  // As fast as a thumb can: to the top again and again, whatever is still under way.
  await page.evaluate(async () => {
    const history = all(".history")[0];
    while (all(".line[data-seq]")[0].dataset.seq !== "1") {
      history.scrollTop = 0;
      await new Promise(requestAnimationFrame);
    }
  });
  const texts = await window.texts();
  assert.deepEqual(texts.map((text) => Number(text.match(/\d+/)[0])), Array.from({ length: 300 }, (_, index) => index + 1));
  await window.send("Still quick?");
  await window.message("Still quick?", "sent").waitFor();
  await page.locator(".back").click();
  await page.getByRole("searchbox").fill("marmalade");
  await page.locator(".found").click();
  await page.locator('.line.sought[data-seq="30"]').waitFor();
  const inSight = await page.locator('.line.sought[data-seq="30"]').evaluate((line) => {
    const { top, bottom } = line.getBoundingClientRect();
    return top > 0 && bottom < innerHeight;
  });
  assert.equal(inSight, true);
  await window.close();
});

test("on a slow network a message shows at once, as being sent, and later as sent", async () => {
  const window = await open("Jonas", { viewport: PHONE, wire: "plain" });
  await window.page.locator(".tab-chats").click();
  await window.openChat("Walnut lounge chair");
  // The server answers when it is let: its frames wait at the socket's end.
  await window.page.evaluate(() => {
    const send = WebSocket.prototype.send;
    window.held = [];
    WebSocket.prototype.send = function (data) {
      window.held.push(() => send.call(this, data));
    };
    window.release = () => {
      WebSocket.prototype.send = send;
      for (const late of window.held) late();
    };
  });
  await window.send("Over a thin wire");
  await window.message("Over a thin wire", "sending").getByText("Sending…").waitFor();
  await window.look("sending-phone");
  await window.page.evaluate(() => window.release());
  await window.message("Over a thin wire", "sent").getByText("Sent").waitFor();
  assert.equal(await window.message("Over a thin wire").count(), 1);
  await window.close();
});

test("Korean wraps between its words, and a word without an end wraps anywhere", async () => {
  const { id: roomId } = await server.api("POST", "/rooms", { productId: "turntable" }, { as: "amara" });
  const words = "안녕하세요 아직 구매할 수 있을까요 오늘 저녁에 직거래로 만나서 물건을 확인하고 결제하고 싶습니다 가능하시면 편하신 시간을 알려주세요";
  await server.api("POST", `/rooms/${roomId}/messages`, { text: words }, { as: "amara" });
  await server.api("POST", `/rooms/${roomId}/messages`, { text: "가".repeat(200) }, { as: "amara" });
  const window = await open("Amara", { viewport: PHONE });
  await window.page.locator(".tab-chats").click();
  await window.openChat("turntable");
  const [spaced, endless] = await window.page.locator(".bubble").evaluateAll((bubbles) =>
    bubbles.slice(-2).map((bubble) => {
      const text = bubble.firstChild;
      const torn = [...text.data.matchAll(/\S+/g)].filter(({ 0: word, index }) => {
        const range = document.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        return new Set([...range.getClientRects()].map(({ top }) => top)).size > 1;
      });
      return { lines: Math.round(bubble.clientHeight / 22), torn: torn.length, fits: bubble.scrollWidth <= bubble.clientWidth };
    }),
  );
  assert.ok(spaced.lines > 2 && endless.lines > 2, JSON.stringify([spaced, endless]));
  assert.deepEqual([spaced.torn, spaced.fits, endless.torn, endless.fits], [0, true, 1, true]);
  await window.close();
});

test("a conversation that is still being read shows shapes, says so once, and nothing moves in when it is there", async () => {
  const window = await open("Priya", { wire: "plain" });
  const { page } = window;
  await page.locator(".inbox-row").first().waitFor();
  await page.evaluate(() => {
    const send = WebSocket.prototype.send;
    const held = [];
    WebSocket.prototype.send = function (data) {
      if (String(data).includes("enterRoom")) held.push(() => send.call(this, data));
      else send.call(this, data);
    };
    window.release = () => held.splice(0).forEach((late) => late());
  });
  await page.locator(".inbox-row", { hasText: "Parlour guitar" }).click();
  await page.locator(".history[aria-busy=true] .skeleton").waitFor();
  assert.deepEqual(await page.locator(".conversation [role=status]").filter({ hasText: "Loading" }).allTextContents(), ["Loading…"]);
  assert.equal(await page.locator(".line").count(), 0);
  await window.look("skeleton-desk");
  await page.evaluate(() => window.release());
  await page.locator(".history[aria-busy=false] .line").first().waitFor();
  assert.equal(await page.locator(".skeleton").count(), 0);
  await window.close();
});

test("at twice the size, on a desk and on a phone, nothing is cut off and everything can be pressed", async () => {
  for (const [device, viewport] of [["desk", { width: 640, height: 400 }], ["phone", { width: 195, height: 422 }]]) {
    const window = await open("Sofía", { viewport });
    const { page } = window;
    await window.look(`twice-market-${device}`);
    await page.locator(".tab-chats").click();
    await page.locator(".inbox-row").first().waitFor();
    await window.look(`twice-chats-${device}`);
    await window.openChat("Brass desk lamp");
    await window.look(`twice-conversation-${device}`);
    const said = `twice on a ${device}`;
    await window.send(said);
    await window.message(said, "sent").waitFor();
    await page.getByRole("button", { name: "Offer", exact: true }).click();
    await page.locator("dialog[open]").waitFor();
    await window.look(`twice-offer-${device}`);
    await page.keyboard.press("Escape");
    await page.locator(".status-button").click();
    await page.getByRole("menuitemradio", { name: "Mark as sold" }).waitFor();
    await window.look(`twice-menu-${device}`);
    await page.keyboard.press("Escape");
    await window.close();
  }
});
