// How strokes, pictures and frames look on a canvas, whose units are those of the sheet: SIDE by SIDE.

export const SIDE = 400;
export const NIB = 17;
const MARGIN = 24; // around a picture

/** Where a picture lies on the sheet. */
export function laid({ width, height }) {
  const scale = (SIDE - 2 * MARGIN) / Math.max(width, height);
  return { scale, left: (SIDE - width * scale) / 2, top: (SIDE - height * scale) / 2 };
}

/** Paint strokes of [x, y] or [x, y, pressure] points. */
export function paintStrokes(context, strokes, colour) {
  context.strokeStyle = colour;
  context.lineCap = context.lineJoin = "round";
  for (const points of strokes) {
    if (points.some(([, , pressure]) => pressure !== undefined)) tracePressed(context, points);
    else trace(context, points);
  }
}

function trace(context, points) {
  const [[x, y]] = points;
  context.lineWidth = NIB;
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

// A line has one width, so that a pen that presses is many lines.
function tracePressed(context, points) {
  points.forEach(([x, y, pressure = 0.5], i) => {
    const [fromX, fromY] = points[Math.max(0, i - 1)];
    context.lineWidth = NIB * (0.5 + pressure);
    context.beginPath();
    context.moveTo(fromX, fromY);
    context.lineTo(i === 0 ? x + 0.01 : x, y);
    context.stroke();
  });
}

/** Paint a picture, { bitmap, width, height }, over `behind`, which shows through transparent ones only. */
export function paintPicture(context, picture, behind) {
  const { bitmap, width, height } = picture;
  const { scale, left, top } = laid(picture);
  context.fillStyle = behind;
  context.fillRect(left, top, width * scale, height * scale);
  context.drawImage(bitmap, left, top, width * scale, height * scale);
}

/**
 * The frames of what was read, { box, ... } each, with their `edges` in units of the sheet: the box is in pixels of
 * `picture`, or in units of the sheet where that is null.
 */
export function framed(frames, picture) {
  const { scale, left, top } = picture ? laid(picture) : { scale: 1, left: 0, top: 0 };
  const margin = picture ? 4 : NIB / 2 + 3;
  return frames.map(({ box: [x, y, width, height], ...looks }) => ({
    edges: [
      left + x * scale - margin, top + y * scale - margin, width * scale + 2 * margin, height * scale + 2 * margin,
    ],
    ...looks,
  }));
}

/** Paint frames as `framed` makes them, dashed where they are `unsure`; `colours` are styles with custom properties. */
export function paintFrames(context, frames, onPicture, colours) {
  const stroke = (colour, width) => {
    context.strokeStyle = colour.startsWith("--") ? colours.getPropertyValue(colour) : colour;
    context.lineWidth = width;
    context.stroke();
  };
  context.lineJoin = "round";
  // The picked one last, on top of its neighbours.
  for (const { edges, unsure, picked } of frames.toSorted((a, b) => a.picked - b.picked)) {
    const width = picked ? 2 : 1.25;
    context.beginPath();
    context.roundRect(...edges, onPicture ? 0 : 6);
    // A white edge keeps the frame visible on whatever the picture shows.
    if (onPicture) stroke("#fff", width + 2.5);
    context.setLineDash(unsure ? [6, 5] : []);
    stroke(onPicture ? "--mark" : picked ? "--accent" : "--quiet", width);
    context.setLineDash([]);
  }
}
