// Several pictures at once: a tile of each, with frames around what was read in it.

import { make } from "./dom.js";
import { framed, laid, paintFrames, paintPicture, SIDE } from "./paint.js";
import { texts } from "./texts.js";

const SHARP = 160; // px of a tile's canvas

export class Strip {
  #element;
  #ask;
  #choose;
  #generation = 0;

  /** `ask(subject)` gives a reading; `choose(picture)` is called when a tile is clicked. */
  constructor(element, { ask, choose }) {
    this.#element = element;
    this.#ask = ask;
    this.#choose = choose;
  }

  hide() {
    this.#generation += 1;
    this.#element.replaceChildren();
    this.#element.hidden = true;
  }

  /** Show a tile of each picture, and read them one after the other. */
  async show(pictures) {
    this.hide();
    const generation = this.#generation;
    const tiles = pictures.map((picture, i) => this.#tile(picture, i === 0));
    this.#element.append(...tiles);
    this.#element.hidden = false;
    for (const [i, picture] of pictures.entries()) {
      const [words, frames] = await this.#read(picture);
      if (generation !== this.#generation) return;
      paintTile(tiles[i].querySelector("canvas"), picture, frames);
      tiles[i].querySelector("span").textContent = words;
      tiles[i].ariaLabel = tiles[i].title = texts.tile(picture.file.name, words);
    }
  }

  async #read(picture) {
    try {
      const { symbols, text } = await this.#ask({ strokes: [], picture });
      const frames = symbols.map(({ box, unsure }) => ({ box, unsure, picked: true }));
      return [text || texts.nothing, frames];
    } catch ({ message }) {
      return [message, []];
    }
  }

  #tile(picture, first) {
    const canvas = make("canvas", { width: SHARP, height: SHARP });
    const tile = make("button", { type: "button", ariaLabel: texts.tile(picture.file.name, texts.reading) }, canvas,
      make("span", { textContent: "…" }));
    tile.setAttribute("aria-pressed", first);
    tile.addEventListener("click", () => {
      for (const other of this.#element.children) other.setAttribute("aria-pressed", other === tile);
      this.#choose(picture);
    });
    paintTile(canvas, picture, []);
    return tile;
  }
}

function paintTile(canvas, picture, frames) {
  if (!picture.bitmap) return;
  const context = canvas.getContext("2d");
  const colours = getComputedStyle(canvas);
  const { left, top } = laid(picture);
  // The sheet's margin has no place on a tile.
  const room = SIDE - 2 * Math.min(left, top);
  const scale = SHARP / room;
  context.setTransform(scale, 0, 0, scale, (-scale * (SIDE - room)) / 2, (-scale * (SIDE - room)) / 2);
  context.clearRect(0, 0, SIDE, SIDE);
  paintPicture(context, picture, colours.getPropertyValue("--behind"));
  paintFrames(context, framed(frames, picture), true, colours);
}
