// The sheet of paper: pointer events in, strokes out.
//
// Strokes live in units of the sheet, SIDE by SIDE, whatever size it has on the screen; the canvas is
// painted from them, so that rotating, resizing and zooming lose nothing.

const SIDE = 400;
const NIB = 17;
const THIN = 1; // closer to the point before, a point says nothing new
const MARGIN = 24; // around a picture
const MEMORY = 100; // steps of undo
const TAP = 8; // a pen that stays this close to where it came down points and does not draw

const BLANK = { strokes: [], picture: null };

const tenths = (value) => Math.round(value * 10) / 10;
const distance = ([x, y], [u, v]) => Math.hypot(x - u, y - v);
const within = (value) => Math.min(Math.max(value, 0), SIDE);

// Where a picture lies on the sheet.
function laid({ width, height }) {
  const scale = (SIDE - 2 * MARGIN) / Math.max(width, height);
  return { scale, left: (SIDE - width * scale) / 2, top: (SIDE - height * scale) / 2 };
}

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
  #tapped;
  #state = BLANK;
  #past = [];
  #pointer = null;
  #stroke = null;
  #aim = -1; // the frame that the pen came down on, as long as it only points
  #marks = { frames: [], picture: null };
  #painting = false;

  /**
   * `changed(subject)` is called with { strokes, picture } whenever they change, also mid-stroke;
   * `tapped(number)` when one of several frames was tapped.
   */
  constructor(canvas, { changed, tapped }) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#changed = changed;
    this.#tapped = tapped;
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
    if (!this.#stroke || this.#aim >= 0) return this.#state;
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

  /**
   * Frame what was read: { box, unsure, picked } each, the box being [left, top, width, height] in the pixels of
   * `picture`, or in units of the sheet where that is null. The frames show as long as it is on the sheet.
   */
  mark(frames, picture) {
    this.#marks = { frames, picture };
    this.#repaint();
  }

  #commit(state) {
    this.#past.push(this.#state);
    if (this.#past.length > MEMORY) this.#past.shift();
    this.#show(state);
  }

  #show(state) {
    this.#state = state;
    this.#repaint();
    this.#changed(this.subject);
  }

  #down(event) {
    if (this.#stroke || event.button !== 0) return;
    event.preventDefault();
    this.#canvas.setPointerCapture(event.pointerId);
    this.#pointer = event.pointerId;
    this.#aim = this.#frameAt(this.#locate(event));
    if (this.#aim < 0 && this.#state.picture) this.#commit(BLANK);
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
    const aim = this.#aim;
    this.#stroke = null;
    this.#aim = -1;
    if (aim >= 0) this.#tapped(aim);
    else this.#commit({ strokes, picture: null });
  }

  #extend(events) {
    const before = this.#stroke.length;
    for (const point of events.map((event) => this.#locate(event))) {
      const last = this.#stroke.at(-1);
      if (!last || distance(point, last) >= THIN) this.#stroke.push(point);
    }
    if (this.#stroke.length === before) return;
    if (this.#aim >= 0) {
      if (distance(this.#stroke.at(-1), this.#stroke[0]) < TAP) return;
      this.#aim = -1;
      if (this.#state.picture) this.#commit(BLANK);
    }
    this.#repaint();
    this.#changed(this.subject);
  }

  #locate({ clientX, clientY }) {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [tenths(within(((clientX - left) / width) * SIDE)), tenths(within(((clientY - top) / height) * SIDE))];
  }

  // The frames of what is on the sheet, their edges in its units.
  #frames() {
    const { frames, picture } = this.#marks;
    if (picture !== this.subject.picture) return [];
    const { scale, left, top } = picture ? laid(picture) : { scale: 1, left: 0, top: 0 };
    const margin = picture ? 4 : NIB / 2 + 3;
    return frames.map(({ box: [x, y, width, height], ...looks }) => ({
      edges: [
        left + x * scale - margin, top + y * scale - margin, width * scale + 2 * margin, height * scale + 2 * margin,
      ],
      ...looks,
    }));
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
    context.strokeStyle = colours.getPropertyValue("--ink");
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = NIB;
    for (const points of strokes) trace(context, points);
    if (picture?.bitmap) this.#paintPicture(picture, colours);
    if (!picture || picture.bitmap) this.#paintFrames(picture, colours);
  }

  #paintPicture(picture, colours) {
    const { bitmap, width, height } = picture;
    const context = this.#context;
    const { scale, left, top } = laid(picture);
    // Shows through transparent pictures only, where black ink and white ink must both stand out.
    context.fillStyle = colours.getPropertyValue("--behind");
    context.fillRect(left, top, width * scale, height * scale);
    context.drawImage(bitmap, left, top, width * scale, height * scale);
  }

  #paintFrames(picture, colours) {
    const context = this.#context;
    const stroke = (name, width) => {
      context.strokeStyle = name.startsWith("--") ? colours.getPropertyValue(name) : name;
      context.lineWidth = width;
      context.stroke();
    };
    context.lineJoin = "round";
    // The picked one last, on top of its neighbours.
    for (const { edges, unsure, picked } of this.#frames().sort((a, b) => a.picked - b.picked)) {
      const width = picked ? 2 : 1.25;
      context.beginPath();
      context.roundRect(...edges, picture ? 0 : 6);
      // A white edge keeps the frame visible on whatever the picture shows.
      if (picture) stroke("#fff", width + 2.5);
      context.setLineDash(unsure ? [6, 5] : []);
      stroke(picture ? "--mark" : picked ? "--accent" : "--quiet", width);
      context.setLineDash([]);
    }
  }
}
