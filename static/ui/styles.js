// @ts-check

/**
 * Adds style sheets in that order, and waits for them. Those of the first view stand in `index.html`.
 *
 * @param {string[]} names of files in `styles/`
 * @returns {Promise<unknown>} rejected when one can't be had
 */
export function loadStyles(names) {
  return Promise.all(
    names.map((name) => {
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = new URL(`../styles/${name}.css`, import.meta.url).href;
      const loaded = new Promise((resolve, reject) => {
        link.onload = resolve;
        link.onerror = () => reject(new Error(`${name}.css can’t be loaded`));
      });
      document.head.append(link);
      return loaded;
    }),
  );
}
