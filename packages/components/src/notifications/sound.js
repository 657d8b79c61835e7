// @ts-check

/** Two notes, in hertz, and when each begins, in seconds. */
const NOTES = [
  [659, 0],
  [880, 0.13],
];
const LOUDNESS = 0.05;
const NOTE_S = 0.4;

/** Messages that come together make one sound. */
const REST_MS = 1_500;

/** @type {AudioContext | undefined} */
let context;
let playedAt = -REST_MS;

/** A soft sound, unless there was one a moment ago. Silent where the browser still waits for somebody to touch the page. */
export async function playSound() {
  const now = performance.now();
  if (!globalThis.AudioContext || now - playedAt < REST_MS) return;
  playedAt = now;
  context ??= new AudioContext();
  await context.resume();
  // Allowed only later, it would tell of old news.
  if (performance.now() - now < REST_MS) for (const [hertz, delay] of NOTES) playNote(context, hertz, delay);
}

/** @param {AudioContext} context @param {number} hertz @param {number} delay */
function playNote(context, hertz, delay) {
  const start = context.currentTime + delay;
  const tone = new OscillatorNode(context, { frequency: hertz });
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
  volume.gain.exponentialRampToValueAtTime(LOUDNESS / 1_000, start + NOTE_S);
  tone.connect(volume).connect(context.destination);
  tone.start(start);
  tone.stop(start + NOTE_S);
}
