// Why a symbol was read as it was: the ink that mattered, what it would be without, and what it is like.

import { byId, bytes, closable, make, paintInk, rgb } from "./dom.js";
import { asJSON, send } from "./http.js";
import { texts } from "./texts.js";

const SIDE = 28;
const FEW = 0.05; // of the most important: less shows as plain ink

const dialog = byId("why-dialog");
closable(dialog);

/** Ask why symbol `picked` of `reading` of `subject` was read as it was, and show it. */
export async function explain({ reading, subject, picked }) {
  const { model, version, symbols } = reading;
  const { label, unsure } = symbols[picked];
  byId("why-title").textContent = unsure ? texts.whyUnsure : texts.why(label);
  const query = new URLSearchParams({ model, version, symbol: picked });
  // Opened at once, so that a slow answer does not look like none.
  byId("why-words").textContent = texts.reading;
  byId("why-margin").textContent = "";
  byId("why-map").getContext("2d").reset();
  showNearest([]);
  dialog.showModal();
  try {
    show((await send(`explain?${query}`, await asJSON(subject))).body);
  } catch ({ message }) {
    byId("why-words").textContent = message;
  }
}

function show({ label, rival, margin, importance, without, nearest, seen }) {
  byId("why-words").textContent = texts.without(label, without);
  byId("why-margin").textContent = texts.margin(label, rival.label, Math.exp(margin));
  byId("why-for").textContent = texts.speaksFor(label);
  byId("why-against").textContent = texts.speaksAgainst;
  paint(byId("why-map"), importance.flat(), bytes(seen), without.window);
  showNearest(nearest);
}

function showNearest(nearest) {
  byId("nearest").hidden = nearest.length === 0;
  byId("nearest-pictures").replaceChildren();
  for (const { label, likeness, picture } of nearest) {
    const canvas = make("canvas", { width: SIDE, height: SIDE });
    byId("nearest-pictures").append(make("li", {}, canvas, make("span", {}, texts.like(label, likeness))));
    paintInk(canvas, bytes(picture));
  }
}

function paint(canvas, importance, seen, [left, top, width, height]) {
  const context = canvas.getContext("2d");
  const swatch = (id) => rgb(getComputedStyle(byId(id), "::before").backgroundColor);
  const [pro, contra] = ["why-for", "why-against"].map(swatch);
  const ink = rgb(getComputedStyle(canvas).color);
  const most = Math.max(...importance.map(Math.abs)) || 1;
  const side = canvas.width / SIDE;
  seen.forEach((darkness, i) => {
    if (!darkness) return;
    const weight = Math.max(0, (Math.abs(importance[i]) / most - FEW) / (1 - FEW));
    const accent = importance[i] > 0 ? pro : contra;
    const mixed = ink.map((value, channel) => value + (accent[channel] - value) * Math.sqrt(weight));
    context.fillStyle = `rgb(${mixed.join(" ")} / ${darkness / 255})`;
    context.fillRect((i % SIDE) * side, Math.floor(i / SIDE) * side, side, side);
  });
  context.strokeStyle = getComputedStyle(dialog).color;
  context.lineWidth = side / 4;
  context.strokeRect(left * side, top * side, width * side, height * side);
}
