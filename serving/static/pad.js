// The sheet of paper: pointer events in, strokes out.
//
// Strokes live in units of the sheet whatever size it has on the screen; the canvas is painted from them, so that
// rotating, resizing and zooming lose nothing.

import { History } from "./history.js";
import { NIB, SIDE, framed, paintFrames, paintPicture, paintStrokes } from "./paint.js";

const THIN = 1; // closer to the point before, a point says nothing new
const TAP = 8; // a pen that stays this close to where it came down points and does not draw
const PALM = 1500; // ms after a pen was last seen in which a touch is the hand that holds it
const ERASER = 5; // the button that the other end of a pen is

const BLANK = { strokes: [], picture: null };

const tenths = (value) => Math.round(value * 10) / 10;
const distance = ([x, y], [u, v]) => Math.hypot(x - u, y - v);
const within = (value) => Math.min(Math.max(value, 0), SIDE);

// How far a point is from a line between two others.
function apart([x, y], [ax, ay], [bx, by]) {
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  const along = length && Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length));
  return distance([x, y], [ax + along * (bx - ax), ay + along * (by - ay)]);
}

const touches = (stroke, point) =>
  stroke.some((end, i) => apart(point, stroke[Math.max(0, i - 1)], end) < NIB / 2 + TAP / 2);

// Points on the way from one to another, near enough to each other that no stroke slips through.
function between([x, y], [u, v]) {
  const steps = Math.ceil(distance([x, y], [u, v]) / TAP) || 1;
  return Array.from({ length: steps }, (_, i) => [x + ((u - x) * (i + 1)) / steps, y + ((v - y) * (i + 1)) / steps]);
}

export class Pad {
  #canvas;
  #context;
  #changed;
  #tapped;
  #history;
  #pointer = null; // { id, type } of what draws
  #penSeen = -Infinity;
  #stroke = null;
  #left = null; // the strokes that an eraser has left
  #rubbed = null; // where it was last
  #aim = -1; // the frame that the pen came down on, as long as it only points
  #marks = { frames: [], picture: null };
  #painting = false;

  /** Whether the next stroke takes strokes away. */
  erasing = false;

  /**
   * `changed(subject, settled)` is called with { strokes, picture } whenever they change, also mid-stroke, which is
   * when they are not settled; `tapped(number)` when one of several frames was tapped. `strokes` are there at first.
   */
  constructor(canvas, { changed, tapped = () => {}, strokes = [] }) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#changed = changed;
    this.#tapped = tapped;
    this.#history = new History({ strokes, picture: null });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#up(event));
    new ResizeObserver(() => this.#fit()).observe(canvas);
    this.#watchDensity();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#repaint());
  }

  /** What is on the sheet: { strokes: [[[x, y] or [x, y, pressure], ...], ...], picture }. */
  get subject() {
    if (this.#left) return { strokes: this.#left, picture: null };
    if (!this.#stroke || this.#aim >= 0) return this.#history.now;
    return { strokes: [...this.#history.now.strokes, [...this.#stroke]], picture: null };
  }

  get blank() {
    const { strokes, picture } = this.subject;
    return strokes.length === 0 && !picture;
  }

  get undoable() {
    return this.#pointer !== null || this.#history.undoable;
  }

  get redoable() {
    return this.#history.redoable;
  }

  /** Take back the last step, be it a stroke, an erasure, a picture or a clearing. */
  undo() {
    this.#lift();
    this.#history.undo();
    this.#show();
  }

  redo() {
    this.#lift();
    this.#history.redo();
    this.#show();
  }

  clear() {
    this.#lift();
    if (!this.blank) this.#commit(BLANK);
  }

  /** Clear, and let nothing be taken back. */
  restart() {
    this.#lift();
    this.#history = new History(BLANK);
    this.#show();
  }

  /** Lay a picture, { file, bitmap or null, width, height }, on the sheet in place of what is there. */
  place(picture) {
    this.#lift();
    this.#commit({ strokes: [], picture });
  }

  /** Frame what was read, as `framed` says; the frames show as long as `picture` is on the sheet. */
  mark(frames, picture) {
    this.#marks = { frames, picture };
    this.#repaint();
  }

  #commit(state) {
    this.#history.commit(state);
    this.#show();
  }

  #show() {
    this.#repaint();
    this.#changed(this.subject, true);
  }

  #down(event) {
    const { pointerType: type, pointerId: id, button } = event;
    if (type === "touch" && event.timeStamp - this.#penSeen < PALM) return;
    if (type === "pen") this.#penSeen = event.timeStamp;
    if (button !== 0 && button !== ERASER) return;
    if (this.#pointer) {
      // The palm often comes down before the pen does.
      if (type !== "pen" || this.#pointer.type !== "touch") return;
      this.#drop();
    }
    event.preventDefault();
    this.#canvas.setPointerCapture(id);
    const { picture, strokes } = this.#history.now;
    if (this.erasing || button === ERASER) {
      this.#left = picture ? null : strokes;
      this.#pointer = this.#left && { id, type };
      this.#extend([event]);
      return;
    }
    this.#pointer = { id, type };
    this.#aim = this.#frameAt(this.#locate(event));
    if (this.#aim < 0 && picture) this.#commit(BLANK);
    this.#stroke = [];
    this.#extend([event]);
  }

  #move(event) {
    if (event.pointerType === "pen") this.#penSeen = event.timeStamp;
    if (event.pointerId !== this.#pointer?.id) return;
    const finer = event.getCoalescedEvents?.() ?? [];
    this.#extend(finer.length ? finer : [event]);
  }

  #up(event) {
    if (event.pointerId === this.#pointer?.id) this.#lift();
  }

  #lift() {
    if (!this.#pointer) return;
    const { strokes } = this.subject;
    const aim = this.#aim;
    const changed = !this.#left || strokes.length < this.#history.now.strokes.length;
    this.#reset();
    if (aim >= 0) this.#tapped(aim);
    else if (changed) this.#commit({ strokes, picture: null });
  }

  #drop() {
    this.#reset();
    this.#show();
  }

  #reset() {
    this.#pointer = this.#stroke = this.#left = this.#rubbed = null;
    this.#aim = -1;
  }

  #extend(events) {
    if (this.#left ? this.#rub(events) : this.#stroke && this.#draw(events)) {
      this.#repaint();
      this.#changed(this.subject, false);
    }
  }

  #rub(events) {
    const before = this.#left.length;
    for (const point of events.map((event) => this.#locate(event))) {
      const way = between(this.#rubbed ?? point, point);
      this.#left = this.#left.filter((stroke) => !way.some((passed) => touches(stroke, passed)));
      this.#rubbed = point;
    }
    return this.#left.length < before;
  }

  #draw(events) {
    const before = this.#stroke.length;
    for (const point of events.map((event) => this.#locate(event))) {
      const last = this.#stroke.at(-1);
      if (!last || distance(point, last) >= THIN) this.#stroke.push(point);
    }
    if (this.#stroke.length === before) return false;
    if (this.#aim < 0) return true;
    if (distance(this.#stroke.at(-1), this.#stroke[0]) < TAP) return false;
    this.#aim = -1;
    if (this.#history.now.picture) this.#commit(BLANK);
    return true;
  }

  #locate({ clientX, clientY, pointerType, pressure }) {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    const point = [tenths(within(((clientX - left) / width) * SIDE)), tenths(within(((clientY - top) / height) * SIDE))];
    // A pen that cannot tell says one half.
    return pointerType === "pen" && pressure > 0 && pressure !== 0.5 ? [...point, pressure] : point;
  }

  // The frames of what is on the sheet.
  #frames() {
    const { frames, picture } = this.#marks;
    return picture === this.subject.picture ? framed(frames, picture) : [];
  }

  // Which frame a tap means, -1 if none: where there is one only, there is nothing to choose.
  #frameAt([x, y]) {
    const frames = this.#frames();
    if (frames.length < 2) return -1;
    const away = frames.map(({ edges: [left, top, width, height] }) => {
      const hit = Math.max(left - x, x - left - width, top - y, y - top - height) <= TAP;
      return hit ? distance([x, y], [left + width / 2, top + height / 2]) : Infinity;
    });
    const nearest = Math.min(...away);
    return nearest < Infinity ? away.indexOf(nearest) : -1;
  }

  #fit() {
    const { width, height } = this.#canvas.getBoundingClientRect();
    const side = (length) => Math.max(1, Math.round(length * devicePixelRatio));
    this.#canvas.width = side(width);
    this.#canvas.height = side(height);
    // Setting the size has emptied the canvas, so waiting for the next frame would flicker.
    this.#paint();
  }

  #watchDensity() {
    // Moving to another screen changes the density without changing the size.
    const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    query.addEventListener("change", () => {
      this.#fit();
      this.#watchDensity();
    }, { once: true });
  }

  #repaint() {
    if (this.#painting) return;
    this.#painting = true;
    requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.#painting = false;
    const context = this.#context;
    const colours = getComputedStyle(this.#canvas);
    const scale = this.#canvas.width / SIDE;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, SIDE, SIDE);
    const { strokes, picture } = this.subject;
    paintStrokes(context, strokes, colours.getPropertyValue("--ink"));
    if (picture?.bitmap) paintPicture(context, picture, colours.getPropertyValue("--behind"));
    if (!picture || picture.bitmap) paintFrames(context, this.#frames(), Boolean(picture), colours);
  }
}
