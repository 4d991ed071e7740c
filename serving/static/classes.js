// The classes to be taught: their names, and the drawings of each.

import { make } from "./dom.js";
import { asJSON } from "./http.js";
import { SIDE, paintPicture, paintStrokes, laid } from "./paint.js";
import { preview } from "./pictures.js";
import { texts } from "./texts.js";

const SHOWN = 12; // drawings of a class that are shown
const SHARP = 96; // px of a drawing's canvas

export class Classes {
  #list;
  #changed;
  #classes = []; // { label, drawings, row }
  #current = 0;

  /** `changed()` is called when anything did. */
  constructor(list, changed) {
    this.#list = list;
    this.#changed = changed;
  }

  /** The class that is drawn for: { label, count }. */
  get current() {
    const { label, drawings } = this.#classes[this.#current];
    return { label: label || texts.unnamed(this.#current + 1), count: drawings.length };
  }

  /** Those that have a name and drawings, as what was drawn on a pad or chosen: label -> { strokes, picture }s. */
  get taught() {
    const named = this.#classes.filter(({ label, drawings }) => label && drawings.length);
    return new Map(named.map(({ label, drawings }) => [label, drawings]));
  }

  /** What JSON can hold of them: files are left out. */
  get kept() {
    return this.#classes.map(({ label, drawings }) => ({
      label, drawings: drawings.filter(({ picture }) => !picture).map(({ strokes }) => strokes),
    }));
  }

  /** Start anew with what `kept` once gave. */
  restore(classes) {
    this.#list.replaceChildren();
    this.#classes = [];
    for (const { label, drawings } of classes) {
      this.add(label, drawings.map((strokes) => ({ strokes, picture: null })));
    }
    this.#choose(0);
  }

  /** Add a class; an empty one is drawn for next. */
  add(label = "", drawings = []) {
    const row = make("li");
    this.#classes.push({ label, drawings, row });
    this.#list.append(row);
    this.#fill(this.#classes.at(-1));
    this.#choose(this.#classes.length - 1);
    return row.querySelector("input[type=text]");
  }

  /** The field for a name that comes after `field`; a class is added where there is none. */
  next(field) {
    const fields = this.#classes.map(({ row }) => row.querySelector("input[type=text]"));
    return fields[fields.indexOf(field) + 1] ?? this.add();
  }

  /** Add the pictures of files: label -> files. */
  async addFiles(files) {
    for (const [label, pictures] of files) {
      const shown = await Promise.all(pictures.slice(0, SHOWN).map(preview));
      const rest = pictures.slice(SHOWN).map((file) => ({ file, bitmap: null, width: 0, height: 0 }));
      const drawings = [...shown, ...rest].map((picture) => ({ strokes: [], picture }));
      const there = this.#classes.find((other) => other.label === label)
        ?? this.#classes.find((other) => !other.label && !other.drawings.length);
      if (!there) {
        this.add(label, drawings);
      } else {
        there.label = label;
        there.drawings.push(...drawings);
        this.#fill(there);
      }
    }
    this.#changed();
  }

  /** Add a drawing, { strokes, picture }, to the current class. */
  draw(drawing) {
    const current = this.#classes[this.#current];
    current.drawings.push(drawing);
    this.#fill(current);
    this.#changed();
  }

  /** As /teach takes them. */
  async asJSON() {
    const made = {};
    for (const [label, drawings] of this.taught) made[label] = await Promise.all(drawings.map(asJSON));
    return made;
  }

  #choose(place) {
    this.#current = Math.max(0, Math.min(place, this.#classes.length - 1));
    this.#classes.forEach(({ row }, i) => {
      row.classList.toggle("current", i === this.#current);
      row.querySelector("input[type=radio]").checked = i === this.#current;
    });
    this.#changed();
  }

  #remove(removed) {
    const place = this.#classes.indexOf(removed);
    this.#classes.splice(place, 1);
    removed.row.remove();
    if (!this.#classes.length) this.add();
    this.#classes.forEach((other) => this.#fill(other));
    this.#choose(this.#current > place ? this.#current - 1 : this.#current);
  }

  #fill(own) {
    const place = this.#classes.indexOf(own) + 1;
    const { label, drawings, row } = own;
    const name = label || texts.unnamed(place);
    const radio = make("input", { type: "radio", name: "current", ariaLabel: texts.drawFor(name) });
    radio.addEventListener("change", () => this.#choose(this.#classes.indexOf(own)));
    const input = make("input", {
      type: "text", value: label, placeholder: texts.unnamed(place), ariaLabel: texts.nameOf(place), maxLength: 100,
      autocomplete: "off",
    });
    input.addEventListener("input", () => {
      own.label = input.value.trim();
      this.#changed();
    });
    input.addEventListener("focus", () => this.#choose(this.#classes.indexOf(own)));
    const remove = make("button", { type: "button", className: "small", textContent: "×", ariaLabel: texts.remove(name) });
    remove.addEventListener("click", () => this.#remove(own));
    const thumbs = drawings.slice(0, SHOWN).map((drawing, i) => this.#thumb(own, drawing, i, name));
    const more = drawings.length > SHOWN ? [make("span", { textContent: `+${drawings.length - SHOWN}` })] : [];
    row.replaceChildren(radio, input, make("div", { className: "thumbs" }, ...thumbs, ...more), remove);
    row.classList.toggle("current", this.#classes[this.#current] === own);
    radio.checked = this.#classes[this.#current] === own;
  }

  #thumb(own, drawing, place, name) {
    const canvas = make("canvas", { width: SHARP, height: SHARP });
    const words = texts.removeDrawing(place + 1, name);
    const button = make("button", { type: "button", ariaLabel: words, title: words }, canvas);
    button.addEventListener("click", () => {
      own.drawings.splice(own.drawings.indexOf(drawing), 1);
      this.#fill(own);
      this.#changed();
    });
    // Its colours are known only in its place.
    requestAnimationFrame(() => paintThumb(canvas, drawing));
    return button;
  }
}

function paintThumb(canvas, { strokes, picture }) {
  const context = canvas.getContext("2d");
  const margin = picture ? Math.min(laid(picture).left, laid(picture).top) : 0;
  const scale = SHARP / (SIDE - 2 * margin);
  context.setTransform(scale, 0, 0, scale, -margin * scale, -margin * scale);
  if (picture?.bitmap) paintPicture(context, picture, "#fff");
  else paintStrokes(context, strokes, getComputedStyle(canvas).color);
}
