import type { Words } from "./index.d.ts";

/** `@haggle/components/languages/en`, `…/ko` and `…/de`: each exports its strings under its code. */
export const en: Words;
export const ko: Words;
export const de: Words;
