// @ts-check
import { html } from "../components/ui/view.js";
import { KEPT_MS } from "./samples.js";
import { useWords } from "./words.js";

/** Units of the drawing, which is stretched to its place. */
const [WIDTH, HEIGHT] = [600, 100];

/** Between two looks that are further apart than this nothing is drawn. */
const GAP_MS = 20_000;

/**
 * A number over the last minutes, as a line. What it shows is said in words, too.
 *
 * @param {{title: string, points: {at: number, value?: number}[], format: (value: number) => string, note?: string}} props
 *   `value` is absent where it isn't known
 */
export function Chart({ title, points, format, note }) {
  const { t } = useWords();
  const known = /** @type {{at: number, value: number}[]} */ (points.filter(({ value }) => value !== undefined));
  const last = known.at(-1);
  const values = known.map(({ value }) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return html`<figure class="chart">
    <figcaption><span class="soft">${title}</span><strong class="chart-now">${last ? format(last.value) : "–"}</strong></figcaption>
    ${last
      ? html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${t.operations.range(title, format(last.value), format(low), format(high))}>
          <line class="chart-floor" x1="0" x2=${WIDTH} y1=${HEIGHT - 1} y2=${HEIGHT - 1} />
          <path class="chart-line" d=${pathOf(known, high)} />
        </svg>`
      : html`<p class="soft chart-none">${t.operations.gathering}</p>`}
    <p class="soft chart-range">${last ? t.operations.most(format(high)) : ""}${note ? html`<span>${note}</span>` : ""}</p>
  </figure>`;
}

/**
 * From the floor at 0 up to the highest value, the newest at the right edge.
 *
 * @param {{at: number, value: number}[]} points
 * @param {number} high
 */
export function pathOf(points, high) {
  const end = points[points.length - 1].at;
  let before = -Infinity;
  return points
    .map(({ at, value }) => {
      const x = WIDTH - ((end - at) / KEPT_MS) * WIDTH;
      const y = HEIGHT - 2 - (high > 0 ? value / high : 0) * (HEIGHT - 6);
      const to = at - before > GAP_MS ? `M${x.toFixed(1)} ${y.toFixed(1)}h0.1` : `L${x.toFixed(1)} ${y.toFixed(1)}`;
      before = at;
      return to;
    })
    .join("");
}
