// Which language is shown. The sentences are in en.js and de.js; what never changes stands in the pages in English,
// and its translation under `page` in de.js.

import { de } from "./de.js";
import { en } from "./en.js";
import { keep, kept } from "./stored.js";

const languages = { en, de };
const preferred = kept("language", true) ?? navigator.language.slice(0, 2);

export const language = preferred in languages ? preferred : "en";
document.documentElement.lang = language;

// No model is quite certain: rounding down, and a 1 that the server has rounded is none.
const shares = new Intl.NumberFormat(language, {
  style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1, roundingMode: "floor",
});
const significant = new Intl.NumberFormat(language, { maximumSignificantDigits: 2 });

export const share = (value) => shares.format(Math.min(value, 0.9999));
const guess = ({ label, confidence }) => `${label} (${share(confidence)})`;

export const texts = languages[language]({ share, guess, number: (value) => significant.format(value) });

/** Put the page into the language, and let the reader choose another. */
export function translate() {
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = texts.page?.[element.dataset.text] ?? element.textContent;
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    const words = texts.page?.[element.dataset.label] ?? element.ariaLabel;
    element.ariaLabel = words;
    if (element.title) element.title = words + element.title.replace(/^[^(]*/, " ").trimEnd();
  }
  const select = document.getElementById("language");
  select.value = language;
  select.addEventListener("change", () => {
    keep("language", select.value, true);
    location.reload();
  });
}
