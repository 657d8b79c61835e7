// @ts-check
import { html, useEffect, useState } from "../../components/ui/view.js";
import { Chart } from "../chart.js";
import { Failure } from "../loading.js";
import { useSamples } from "../sampling.js";
import { useWords } from "../words.js";

/** @typedef {import("../samples.js").Sample} Sample */

/** How a node is doing: its numbers over the last minutes. */
export function OperationsView() {
  const { t } = useWords();
  const { samples, failure, retry } = useSamples();
  const [chosen, choose] = useState(/** @type {string | undefined} */ (undefined));
  const { nodes } = samples;
  const node = chosen !== undefined && nodes.includes(chosen) ? chosen : nodes.at(-1);
  useEffect(() => void (document.title = `${t.sections.operations} – haggle`));
  return html`<div class="page">
    <h1 tabindex="-1">${t.sections.operations}</h1>
    <p class="soft">${t.operations.hint}</p>
    ${failure && html`<${Failure} failure=${failure} retry=${retry} />`}
    ${nodes.length > 1 &&
    html`<label class="select"><span>${t.operations.node}</span>
      <select value=${node} onChange=${(/** @type {any} */ event) => choose(event.currentTarget.value)}>
        ${nodes.map((one) => html`<option value=${one} selected=${one === node}>${one.slice(0, 8)}</option>`)}
      </select>
    </label>`}
    ${node === undefined ? !failure && html`<p class="notice" role="status">${t.loading}</p>` : html`<${Node} samples=${samples.of(node)} />`}
  </div>`;
}

/** @param {{samples: readonly Sample[]}} props */
function Node({ samples }) {
  const { t, count, seconds } = useWords();
  const { now } = samples[samples.length - 1];
  const words = t.operations;
  const perSecond = (/** @type {number} */ value) => words.perSecond(count(value));
  /** @param {(sample: Sample) => number | undefined} value */
  const over = (value) => samples.map((sample) => ({ at: sample.at, value: value(sample) }));
  const longest = (/** @type {Sample} */ { per }) => per && Math.max(...Object.values(per.threads).map((thread) => thread.longest));
  const { notifications, notificationsOldestSeconds, events, eventsOldestSeconds } = now.webhook;
  return html`
    <${Warnings} now=${now} />
    <div class="charts">
      <${Chart} title=${words.connections} points=${over(({ now }) => now.connections)} format=${count} />
      <${Chart} title=${words.sessions} points=${over(({ now }) => now.sessions)} format=${count} />
      <${Chart} title=${words.rooms} points=${over(({ now }) => now.rooms)} format=${count} />
      <${Chart} title=${words.messages} points=${over(({ per }) => per?.messages)} format=${perSecond} />
      <${Chart} title=${words.deliveries} points=${over(({ per }) => per?.deliveries)} format=${perSecond} />
      <${Chart} title=${words.inFlight} points=${over(({ now }) => now.eventsInFlight)} format=${count} />
      <${Chart} title=${words.writes} points=${over(({ now }) => now.writesPending)} format=${count} />
      <${Chart} title=${words.longest} points=${over(longest)} format=${seconds} />
      <${Chart} title=${words.notifications} points=${over(({ now }) => now.webhook.notifications)} format=${count} note=${notifications > 0 ? words.oldest(seconds(notificationsOldestSeconds)) : undefined} />
      <${Chart} title=${words.events} points=${over(({ now }) => now.webhook.events)} format=${count} note=${events > 0 ? words.oldest(seconds(eventsOldestSeconds)) : undefined} />
      <${Chart} title=${words.nodes} points=${over(({ now }) => Math.max(now.nodes, 1))} format=${count} />
    </div>
    <${Threads} samples=${samples} />
  `;
}

/** What must not be. @param {{now: import("../rest.js").Operations}} props */
function Warnings({ now: { nodes, natsUp, screenOpen, commitFailures } }) {
  const { t, count } = useWords();
  const found = [nodes > 0 && !natsUp && t.operations.natsDown, screenOpen && t.operations.screenOpen, commitFailures > 0 && t.operations.commitFailures(count(commitFailures))].filter(Boolean);
  return found.length > 0 ? html`<ul class="notice warnings">${found.map((one) => html`<li>${one}</li>`)}</ul>` : null;
}

/** @param {{samples: readonly Sample[]}} props */
function Threads({ samples }) {
  const { t, seconds, share } = useWords();
  const looks = samples.flatMap(({ per }) => (per ? [per.threads] : []));
  const last = looks.at(-1);
  if (!last) return null;
  const longest = (/** @type {string} */ name) => Math.max(...looks.map((threads) => threads[name].longest));
  return html`<section aria-labelledby="threads-title">
    <h2 id="threads-title">${t.operations.threads}</h2>
    <p class="soft">${t.operations.threadsHint}</p>
    <div class="table-frame" tabindex="0" role="region" aria-labelledby="threads-title">
      <table class="table">
        <thead><tr><th scope="col">${t.operations.thread}</th><th scope="col">${t.operations.busy}</th><th scope="col">${t.operations.longestNow}</th><th scope="col">${t.operations.longestKept}</th></tr></thead>
        <tbody>${Object.entries(last).map(([name, { longest: now, busy }]) => html`<tr><th scope="row">${t.operations.threadNames[name] ?? name}</th><td>${share(busy)}</td><td>${seconds(now)}</td><td>${seconds(longest(name))}</td></tr>`)}</tbody>
      </table>
    </div>
  </section>`;
}
