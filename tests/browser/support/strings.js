import { en } from "../../../packages/components/src/languages/en.js";
import { ko } from "../../../packages/components/src/languages/ko.js";
import { languages as demo } from "../../../static/strings.js";

/** What the page says: the components' strings, and the demo's own. */
export const languages = { en: { ...en, ...demo.en }, ko: { ...ko, ...demo.ko } };
