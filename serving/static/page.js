// The page: pad, files and keys on one side, the answer on the other.

import { Answer } from "./answer.js";
import { byId } from "./dom.js";
import { picker } from "./models.js";
import { Pad } from "./pad.js";
import { chooser, droppable, preview } from "./pictures.js";
import { Reader } from "./reader.js";
import { Strip } from "./strip.js";
import { texts, translate } from "./texts.js";
import { drawn, equip, keepDrawn } from "./tools.js";

translate();

let shown = null; // the picture on the pad
let choice = null;
let corrections = null; // only where the server takes them
const callForMany = byId("call").textContent;

function changed(subject, settled) {
  const { strokes, picture } = subject;
  const empty = strokes.length === 0 && !picture;
  byId("invitation").hidden = !empty;
  byId("caption").hidden = !picture || picture.bitmap !== null;
  byId("caption").textContent = byId("caption").hidden ? "" : texts.noPreview(picture.file.name);
  refresh();
  if (settled) keepDrawn("drawing", subject);
  corrections?.dismiss();
  if (empty || picture !== shown) reader.forget();
  shown = picture;
  if (empty) {
    answer.blank();
    return;
  }
  if (picture) answer.waiting();
  reader.read(subject, settled);
}

const pad = new Pad(byId("pad"), { changed, tapped: (i) => answer.pick(i), strokes: drawn("drawing") });
const answer = new Answer((frames, picture) => pad.mark(frames, picture));
const connect = picker(byId("models"), (chosen) => {
  choice = chosen;
  answer.use(chosen);
  byId("call").textContent = chosen.symbols === "one" ? texts.drawOne : callForMany;
  if (!pad.blank) reader.read(pad.subject);
});
const reader = new Reader(connect, {
  answer: (reading, subject) => answer.reading(reading, subject),
  fault: (message) => answer.fault(message),
});
const strip = new Strip(byId("strip"), { ask: (subject) => reader.ask(subject), choose: (picture) => pad.place(picture) });
const refresh = equip(pad, { cleared: () => strip.hide() });

async function take(files) {
  const [first, ...others] = files;
  if (!first) return;
  const other = files.find(({ type }) => !type.startsWith("image/"));
  if (other) {
    answer.fault(texts.notAPicture(other.name));
    return;
  }
  const pictures = await Promise.all(files.map(preview));
  pad.place(pictures[0]);
  if (others.length) strip.show(pictures);
  else strip.hide();
}

chooser(byId("open"), byId("file"), take);
chooser(byId("photo"), byId("camera"), take);
droppable(({ files }) => take([...files]));
document.addEventListener("paste", ({ clipboardData }) => take([...clipboardData.files]));

byId("why").addEventListener("click", async () => {
  const { explain } = await import("./why.js");
  if (answer.current) explain(answer.current);
});

byId("correct")?.addEventListener("click", () => {
  if (answer.current) corrections?.correct(answer.current, choice.labels);
});
if (byId("correct")) import("./correct.js").then((loaded) => (corrections = loaded));

changed(pad.subject, true);
connect().catch(({ message }) => answer.fault(message));
