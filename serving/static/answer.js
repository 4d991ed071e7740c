// The answer's side of the page: what was read, the bars, what the model saw.

import { byId, bytes, make, paintInk } from "./dom.js";
import { share, texts } from "./texts.js";

const SETTLED = 600; // ms without a new answer before it is read out
const MARK = 0.5; // digits wide: the question mark beside a doubtful one
const FAINT = 0.001; // a column of zeros says nothing
const TOP = 3; // the likeliest, which are told however unlikely

export class Answer {
  #mark;
  #choice = null;
  #reading = null;
  #picked = 0;
  #seen = null;
  #announcing = null;

  /** `mark(frames, picture)` frames what was read. */
  constructor(mark) {
    this.#mark = mark;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paintSeen());
  }

  /** The last reading with a symbol in it, and the number of the one shown: { reading, subject, picked }, or null. */
  get current() {
    return this.#reading && { ...this.#reading, picked: this.#picked };
  }

  /** Readings come from this model from now on. */
  use(choice) {
    this.#choice = choice;
    const row = () => make("li", {}, make("b"), make("span", {}, make("i")), make("data"));
    byId("bars").replaceChildren(...Array.from({ length: choice.rows }, row));
    byId("bars").classList.toggle("wordy", choice.labels.some((label) => label.length > 2));
    this.#showBars([]);
  }

  blank() {
    this.#show({ state: "blank", detail: texts.blank });
  }

  waiting() {
    this.#show({ state: "reading", detail: texts.reading });
  }

  fault(detail) {
    this.#show({ state: "failed", words: texts.failed, detail, spoken: texts.announce(texts.failed, detail) });
  }

  reading(reading, subject) {
    const { symbols, model, version, trip, server } = reading;
    const timing = texts.timing(model, version, trip, server);
    if (symbols.length === 0) {
      const [words, detail] = [texts.nothing, texts.nothingDetail];
      this.#show({ state: "nothing", words, detail, timing, spoken: texts.announce(words, detail) });
      return;
    }
    this.#reading = { reading, subject, timing };
    const confidences = symbols.map(({ confidence }) => confidence);
    this.pick(confidences.indexOf(Math.min(...confidences)));
  }

  /** Show the reading, and of its symbols the one with that number in full. */
  pick(picked) {
    const { reading: { symbols }, subject: { picture }, timing } = this.#reading;
    const one = symbols[picked];
    const shown = { state: one.unsure ? "unsure" : "sure", symbols, picked, picture, timing };
    if (symbols.length > 1) {
      const text = symbols.map(({ label }) => label).join("");
      const spoken = texts.announce(text, texts.summary(symbols));
      this.#show({ ...shown, detail: texts.oneOf(one), spoken });
    } else {
      const words = one.unsure ? texts.unsure : one.label;
      const detail = one.unsure ? texts.perhaps(one.top) : texts.sure(one.confidence);
      this.#show({ ...shown, words, detail, spoken: texts.announce(words, detail) });
    }
  }

  // `words` as the answer, or several `symbols`; either way one of them, if there is any, in full.
  #show({ state, words = "", symbols = [], picked = 0, picture = null, detail, timing = "", spoken = "" }) {
    const one = symbols[picked];
    const several = symbols.length > 1;
    const result = byId("result");
    result.dataset.state = state;
    result.classList.toggle("several", several);
    this.#picked = picked;
    if (!one) this.#reading = null;
    if (several) this.#showSymbols(symbols, picked);
    else byId("answer").textContent = words;
    byId("answer").style.setProperty("--length", several ? widthOf(symbols) : words.length);
    byId("detail").textContent = detail;
    byId("timing").textContent = timing;
    this.#showBars(one ? one.top : []);
    this.#seen = one ? bytes(one.seen) : null;
    this.#paintSeen();
    const frames = symbols.map(({ box, unsure }, i) => ({ box, unsure: unsure && several, picked: i === picked }));
    this.#mark(picture || several ? frames : [], picture);
    this.#say(spoken);
  }

  #showSymbols(symbols, picked) {
    const answer = byId("answer");
    // Buttons stay while their symbols change, and so does the focus.
    if (answer.children.length !== symbols.length) {
      answer.replaceChildren(...symbols.map((_, i) => make("button", { type: "button", onclick: () => this.pick(i) })));
    }
    symbols.forEach((symbol, i) => {
      const button = answer.children[i];
      button.textContent = symbol.label;
      button.classList.toggle("doubtful", symbol.unsure);
      button.setAttribute("aria-label", texts.button(symbol));
      button.setAttribute("aria-pressed", i === picked);
    });
  }

  #showBars(top) {
    if (!this.#choice) return;
    const { labels: all, rows } = this.#choice;
    const places = new Map(top.map(({ label, confidence }, place) => [label, { confidence, place }]));
    const inOrder = all.length <= rows || top.length === 0;
    const labels = inOrder ? all.slice(0, rows) : top.map(({ label }) => label);
    [...byId("bars").children].forEach((row, i) => {
      const { confidence, place } = places.get(labels[i]) ?? { confidence: 0, place: Infinity };
      const [name, bar, value] = row.children;
      name.textContent = labels[i] ?? "";
      bar.firstElementChild.style.width = `${100 * confidence}%`;
      const faint = place < TOP ? texts.faint : "";
      value.textContent = confidence < FAINT ? faint : share(confidence);
      row.classList.toggle("best", place === 0);
    });
  }

  #paintSeen() {
    paintInk(byId("seen"), this.#seen ?? []);
  }

  #say(sentence) {
    clearTimeout(this.#announcing);
    this.#announcing = setTimeout(() => {
      // Said once more, it would be read out once more.
      if (byId("announcement").textContent !== sentence) byId("announcement").textContent = sentence;
    }, SETTLED);
  }
}

const widthOf = (symbols) =>
  symbols.reduce((length, { label, unsure }) => length + label.length + (unsure ? MARK : 0), 0);
