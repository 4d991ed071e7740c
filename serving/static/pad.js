// The sheet of paper: pointer events in, strokes out.
//
// Strokes live in units of the sheet, SIDE by SIDE, whatever size it has on the screen; the canvas is
// painted from them, so that rotating, resizing and zooming lose nothing.

const SIDE = 400;
const NIB = 17;
const THIN = 1; // closer to the point before, a point says nothing new
const MARGIN = 24; // around a picture
const MEMORY = 100; // steps of undo

const BLANK = { strokes: [], picture: null };

const tenths = (value) => Math.round(value * 10) / 10;
const within = (value) => Math.min(Math.max(value, 0), SIDE);

function trace(context, points) {
  const [[x, y]] = points;
  context.beginPath();
  context.moveTo(x, y);
  for (let i = 1; i < points.length - 1; i += 1) {
    const [[px, py], [nx, ny]] = [points[i], points[i + 1]];
    context.quadraticCurveTo(px, py, (px + nx) / 2, (py + ny) / 2);
  }
  const [lastX, lastY] = points.at(-1);
  // A tap has no length, and a line without length is not painted.
  context.lineTo(points.length === 1 ? lastX + 0.01 : lastX, lastY);
  context.stroke();
}

export class Pad {
  #canvas;
  #context;
  #changed;
  #state = BLANK;
  #past = [];
  #pointer = null;
  #stroke = null;
  #boxes = [];
  #painting = false;

  /** `changed(subject)` is called with { strokes, picture } whenever they change, also mid-stroke. */
  constructor(canvas, changed) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#changed = changed;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#up(event));
    new ResizeObserver(() => this.#fit()).observe(canvas);
    this.#watchDensity();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#repaint());
  }

  /** What is on the sheet: { strokes: [[[x, y], ...], ...], picture }. */
  get subject() {
    if (!this.#stroke) return this.#state;
    return { strokes: [...this.#state.strokes, [...this.#stroke]], picture: null };
  }

  get blank() {
    const { strokes, picture } = this.subject;
    return strokes.length === 0 && !picture;
  }

  get undoable() {
    return this.#stroke !== null || this.#past.length > 0;
  }

  /** Take back the last step, be it a stroke, a picture or a clearing. */
  undo() {
    if (!this.undoable) return;
    this.#lift();
    this.#show(this.#past.pop());
  }

  clear() {
    this.#lift();
    if (!this.blank) this.#commit(BLANK);
  }

  /** Lay a picture, { file, bitmap or null, width, height }, on the sheet in place of what is there. */
  place(picture) {
    this.#lift();
    this.#commit({ strokes: [], picture });
  }

  /** Frame `boxes`, [left, top, width, height] in the picture's pixels. */
  mark(boxes) {
    this.#boxes = boxes;
    this.#repaint();
  }

  #commit(state) {
    this.#past.push(this.#state);
    if (this.#past.length > MEMORY) this.#past.shift();
    this.#show(state);
  }

  #show(state) {
    this.#state = state;
    this.#boxes = [];
    this.#repaint();
    this.#changed(this.subject);
  }

  #down(event) {
    if (this.#stroke || event.button !== 0) return;
    event.preventDefault();
    this.#canvas.setPointerCapture(event.pointerId);
    if (this.#state.picture) this.#commit(BLANK);
    this.#pointer = event.pointerId;
    this.#stroke = [];
    this.#extend([event]);
  }

  #move(event) {
    if (!this.#stroke || event.pointerId !== this.#pointer) return;
    const finer = event.getCoalescedEvents?.() ?? [];
    this.#extend(finer.length ? finer : [event]);
  }

  #up(event) {
    if (this.#stroke && event.pointerId === this.#pointer) this.#lift();
  }

  #lift() {
    if (!this.#stroke) return;
    const { strokes } = this.subject;
    this.#stroke = null;
    this.#commit({ strokes, picture: null });
  }

  #extend(events) {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    const before = this.#stroke.length;
    for (const { clientX, clientY } of events) {
      const x = tenths(within(((clientX - left) / width) * SIDE));
      const y = tenths(within(((clientY - top) / height) * SIDE));
      const last = this.#stroke.at(-1);
      if (!last || Math.hypot(x - last[0], y - last[1]) >= THIN) this.#stroke.push([x, y]);
    }
    if (this.#stroke.length === before) return;
    this.#repaint();
    this.#changed(this.subject);
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
    context.strokeStyle = colours.getPropertyValue("--ink");
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = NIB;
    for (const points of strokes) trace(context, points);
    if (picture?.bitmap) this.#paintPicture(picture, colours);
  }

  #paintPicture({ bitmap, width, height }, colours) {
    const context = this.#context;
    const scale = (SIDE - 2 * MARGIN) / Math.max(width, height);
    const left = (SIDE - width * scale) / 2;
    const top = (SIDE - height * scale) / 2;
    // Shows through transparent pictures only, where black ink and white ink must both stand out.
    context.fillStyle = colours.getPropertyValue("--behind");
    context.fillRect(left, top, width * scale, height * scale);
    context.drawImage(bitmap, left, top, width * scale, height * scale);
    context.lineJoin = "round";
    // A white edge keeps the frame visible on whatever the picture shows.
    for (const [colour, width] of [["#fff", 4.5], [colours.getPropertyValue("--mark"), 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      for (const [x, y, w, h] of this.#boxes) {
        context.strokeRect(left + x * scale - 4, top + y * scale - 4, w * scale + 8, h * scale + 8);
      }
    }
  }
}
