// The page: pad, files and keys on one side, the answer on the other.

import { Pad } from "./pad.js";
import { Reader } from "./reader.js";
import { share, texts } from "./texts.js";

const PREVIEW = 1200; // px, the longer side of a picture's copy on the pad
const SETTLED = 600; // ms without a new answer before it is read out
const MARK = 0.5; // digits wide: the question mark beside a doubtful one
const FAINT = 0.001; // a column of zeros says nothing

const byId = (id) => document.getElementById(id);
const [sheet, invitation, caption, result] = ["sheet", "invitation", "caption", "result"].map(byId);
const [undo, clear, open, file] = ["undo", "clear", "open", "file"].map(byId);

let model = null;
let reading = null; // the last one in which there was something: { symbols, picture, timing }
let seen = null;
let announcing = null;

// ---- the answer

function say(sentence) {
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    // Said once more, it would be read out once more.
    if (byId("announcement").textContent !== sentence) byId("announcement").textContent = sentence;
  }, SETTLED);
}

/** Show `words` as the answer, or several `symbols`; either way one of them, if there is any, in full. */
function show({ state, words = "", symbols = [], picked = 0, picture = null, detail, timing = "", spoken = "" }) {
  const one = symbols[picked];
  const several = symbols.length > 1;
  result.dataset.state = state;
  result.classList.toggle("several", several);
  if (several) showSymbols(symbols, picked);
  else byId("answer").textContent = words;
  byId("detail").textContent = detail;
  byId("timing").textContent = timing;
  showBars(one ? one.top : []);
  seen = one ? Uint8Array.from(atob(one.seen), (character) => character.charCodeAt(0)) : null;
  paintSeen();
  const frames = symbols.map(({ box, unsure }, i) => ({ box, unsure: unsure && several, picked: i === picked }));
  pad.mark(picture || several ? frames : [], picture);
  say(spoken);
}

function showSymbols(symbols, picked) {
  const answer = byId("answer");
  // Buttons stay while their symbols change, and so does the focus.
  if (answer.children.length !== symbols.length) answer.replaceChildren(...symbols.map(makeSymbol));
  let length = 0;
  symbols.forEach((symbol, i) => {
    const button = answer.children[i];
    button.textContent = symbol.label;
    button.classList.toggle("doubtful", symbol.unsure);
    button.setAttribute("aria-label", texts.button(symbol));
    button.setAttribute("aria-pressed", i === picked);
    length += symbol.label.length + (symbol.unsure ? MARK : 0);
  });
  answer.style.setProperty("--length", length);
}

function makeSymbol(_, number) {
  const button = make("button");
  button.type = "button";
  button.addEventListener("click", () => pick(number));
  return button;
}

function make(tag, ...children) {
  const element = document.createElement(tag);
  element.append(...children);
  return element;
}

function showBars(top) {
  if (!model) return;
  const confidences = new Map(top.map(({ label, confidence }) => [label, confidence]));
  const inOrder = model.labels.length <= model.rows || top.length === 0;
  const labels = inOrder ? model.labels.slice(0, model.rows) : top.map(({ label }) => label);
  [...byId("bars").children].forEach((row, i) => {
    const confidence = confidences.get(labels[i]) ?? 0;
    const [name, bar, value] = row.children;
    name.textContent = labels[i] ?? "";
    bar.firstElementChild.style.width = `${100 * confidence}%`;
    value.textContent = confidence < FAINT ? "" : share(confidence);
    row.classList.toggle("best", top.length > 0 && labels[i] === top[0].label);
  });
}

function makeBars() {
  const row = () => make("li", make("b"), make("span", make("i")), make("data"));
  byId("bars").replaceChildren(...Array.from({ length: model.rows }, row));
}

function paintSeen() {
  const canvas = byId("seen");
  const context = canvas.getContext("2d");
  const [red, green, blue] = getComputedStyle(canvas).color.match(/\d+/g);
  const image = context.createImageData(canvas.width, canvas.height);
  seen?.forEach((ink, i) => image.data.set([red, green, blue, ink], 4 * i));
  context.putImageData(image, 0, 0);
}

const showBlank = () => show({ state: "blank", detail: texts.blank });

function showFault(detail) {
  show({ state: "failed", words: texts.failed, detail, spoken: texts.announce(texts.failed, detail) });
}

function showReading({ version, symbols, trip, server }, { picture }) {
  byId("model").textContent = texts.model(model.name, version);
  const timing = texts.timing(trip, server);
  if (symbols.length === 0) {
    const [words, detail] = [texts.nothing, texts.nothingDetail];
    show({ state: "nothing", words, detail, timing, spoken: texts.announce(words, detail) });
    return;
  }
  reading = { symbols, picture, timing };
  const confidences = symbols.map(({ confidence }) => confidence);
  pick(confidences.indexOf(Math.min(...confidences)));
}

/** Show the reading, and of its symbols the one with that number in full. */
function pick(picked) {
  const { symbols } = reading;
  const one = symbols[picked];
  const state = one.unsure ? "unsure" : "sure";
  if (symbols.length > 1) {
    const text = symbols.map(({ label }) => label).join("");
    const spoken = texts.announce(text, texts.summary(symbols));
    show({ ...reading, state, picked, detail: texts.oneOf(one), spoken });
  } else {
    const words = one.unsure ? texts.unsure : one.label;
    const detail = one.unsure ? texts.perhaps(one.top) : texts.sure(one.confidence);
    show({ ...reading, state, words, detail, spoken: texts.announce(words, detail) });
  }
}

const reader = new Reader({
  model(found) {
    model = found;
    byId("model").textContent = texts.model(model.name, Math.max(...model.versions));
    if (model.symbols === "one") byId("call").textContent = texts.drawOne;
    makeBars();
    showBars([]);
  },
  answer: showReading,
  fault: showFault,
});

// ---- what there is to read

let shown = null; // the picture on the pad

function changed(subject) {
  const { strokes, picture } = subject;
  const empty = strokes.length === 0 && !picture;
  invitation.hidden = !empty;
  caption.hidden = !picture || picture.bitmap !== null;
  caption.textContent = caption.hidden ? "" : texts.noPreview(picture.file.name);
  undo.setAttribute("aria-disabled", !pad.undoable);
  clear.setAttribute("aria-disabled", empty);
  if (empty || picture !== shown) reader.forget();
  shown = picture;
  if (empty) {
    showBlank();
    return;
  }
  if (picture) show({ state: "reading", detail: texts.reading });
  reader.read(subject);
}

const pad = new Pad(byId("pad"), { changed, tapped: pick });

async function preview(chosen) {
  try {
    const whole = await createImageBitmap(chosen);
    const { width, height } = whole;
    const shrink = Math.min(1, PREVIEW / Math.max(width, height));
    const bitmap = await createImageBitmap(whole, {
      resizeWidth: Math.max(1, Math.round(width * shrink)),
      resizeHeight: Math.max(1, Math.round(height * shrink)),
      resizeQuality: "high",
    });
    whole.close();
    return { file: chosen, bitmap, width, height };
  } catch {
    // The server reads formats that browsers do not, TIFF for one.
    return { file: chosen, bitmap: null, width: 0, height: 0 };
  }
}

async function take(chosen) {
  if (!chosen) return;
  if (chosen.type.startsWith("image/")) {
    pad.place(await preview(chosen));
  } else {
    showFault(texts.notAPicture(chosen.name));
  }
}

// ---- buttons, keys, files

undo.addEventListener("click", () => pad.undo());
clear.addEventListener("click", () => pad.clear());
open.addEventListener("click", () => file.click());
file.addEventListener("change", () => {
  take(file.files[0]);
  file.value = ""; // so that choosing the same file again is a change
});

document.addEventListener("keydown", (event) => {
  const command = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
  if (command && event.key.toLowerCase() === "z") pad.undo();
  else if (event.key === "Escape") pad.clear();
  else return;
  event.preventDefault();
});

document.addEventListener("paste", (event) => take(event.clipboardData.files[0]));

const carriesFile = (event) => event.dataTransfer.types.includes("Files");
document.addEventListener("dragover", (event) => {
  if (!carriesFile(event)) return;
  event.preventDefault();
  sheet.classList.add("welcoming");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) sheet.classList.remove("welcoming");
});
document.addEventListener("drop", (event) => {
  sheet.classList.remove("welcoming");
  if (!carriesFile(event)) return;
  event.preventDefault();
  take(event.dataTransfer.files[0]);
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paintSeen);

showBlank();
reader.connect().catch(({ message }) => showFault(message));
