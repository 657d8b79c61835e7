/** A picture, drawn in the page: a PNG as a file that a chooser takes. */
export async function picture({ page }, name, width, height) {
  const drawn = await page.evaluate(
    ([width, height]) => {
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      const paint = canvas.getContext("2d");
      const sky = paint.createLinearGradient(0, 0, width, height);
      sky.addColorStop(0, "#f4b860");
      sky.addColorStop(1, "#0f6b54");
      paint.fillStyle = sky;
      paint.fillRect(0, 0, width, height);
      return canvas.toDataURL("image/png").split(",")[1];
    },
    [width, height],
  );
  return { name, mimeType: "image/png", buffer: Buffer.from(drawn, "base64") };
}

/** Chooses files by the button. */
export async function choose({ page }, ...files) {
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: /^(Add a picture|사진 추가)$/ }).click();
  await (await chooser).setFiles(files);
}

/** Brings files to an element as a drag or a paste does. */
export async function bring({ page }, selector, event, ...files) {
  const plain = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, bytes: buffer.toString("base64") }));
  await page.evaluate(
    ([selector, event, files]) => {
      const data = new DataTransfer();
      for (const { name, mimeType, bytes } of files) {
        data.items.add(new File([Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0))], name, { type: mimeType }));
      }
      const options = { bubbles: true, cancelable: true, composed: true };
      const happens = event === "paste" ? new ClipboardEvent("paste", { ...options, clipboardData: data }) : new DragEvent(event, { ...options, dataTransfer: data });
      all(selector)[0].dispatchEvent(happens);
    },
    [selector, event, plain],
  );
}
