// The page that teaches: classes and their drawings on one side, the pad on the other.

import { Classes } from "./classes.js";
import { byId } from "./dom.js";
import { ofChosen, ofDropped } from "./folders.js";
import { request } from "./http.js";
import { begin, beginCorrections, beginZip, cancel, download, follow } from "./job.js";
import { Pad } from "./pad.js";
import { chooser, droppable } from "./pictures.js";
import { keep, kept } from "./stored.js";
import { texts, translate } from "./texts.js";
import { authorized } from "./token.js";
import { drawn, equip, keepDrawn } from "./tools.js";

const EMPTY = [{ label: "", drawings: [] }, { label: "", drawings: [] }];

translate();

let zip = null;
let busy = false; // from the button to the job's end
let job = kept("job"); // { id, name }, of the one that is followed

// ---- what is taught

const pad = new Pad(byId("pad"), {
  changed: (subject, settled) => {
    byId("invitation").hidden = !pad.blank;
    byId("add").setAttribute("aria-disabled", pad.blank);
    refresh();
    if (settled) keepDrawn("lesson-drawing", subject);
  },
  strokes: drawn("lesson-drawing"),
});
const refresh = equip(pad);

const classes = new Classes(byId("classes"), () => {
  const { label, count } = classes.current;
  byId("drawn-for").textContent = texts.drawingOf(label, count);
  keep("lesson", { name: byId("name").value, classes: classes.kept });
});

function use(file) {
  zip = file;
  byId("zip-row").hidden = !zip;
  byId("by-hand").hidden = Boolean(zip);
  byId("zip-name").textContent = zip ? texts.zip(zip.name, zip.size / 1000) : "";
  suggest(zip?.name.replace(/\.zip$/i, "") ?? "");
}

function suggest(name) {
  byId("name").value ||= name;
}

async function takeClasses([found, name]) {
  fault(found.size ? "" : texts.noPictures);
  suggest(name);
  await classes.addFiles(found);
}

function addDrawing() {
  if (pad.blank) return;
  classes.draw(pad.subject);
  pad.restart();
}

byId("add").addEventListener("click", addDrawing);
byId("add-class").addEventListener("click", () => classes.add().focus());
byId("name").addEventListener("input", () => keep("lesson", { name: byId("name").value, classes: classes.kept }));
byId("drop-zip").addEventListener("click", () => use(null));
byId("restart").addEventListener("click", () => {
  byId("name").value = "";
  use(null);
  classes.restore(EMPTY);
  fault("");
});
chooser(byId("folder"), byId("folder-files"), (files) => takeClasses(ofChosen(files)));
chooser(byId("zip"), byId("zip-file"), ([file]) => file && use(file));
droppable((transfer) => {
  const [file] = transfer.files;
  if (transfer.files.length === 1 && /\.zip$/i.test(file.name)) use(file);
  else ofDropped(transfer).then(takeClasses);
});
// Enter adds what is drawn, wherever one is; in a field it goes on to the next, and teaches nothing by accident.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.closest("button, select, a, dialog")) return;
  event.preventDefault();
  if (!pad.blank) addDrawing();
  else if (event.target.matches("input[type=text]")) classes.next(event.target).focus();
});

// ---- the job

function fault(words) {
  byId("fault").textContent = words;
}

function show({ state, step = "", share = 0, seconds, model, version, message, position }) {
  const ended = { done: texts.took(seconds ?? 0), cancelled: texts.cancelled, interrupted: message || texts.interrupted };
  const under = state === "queued" || state === "running";
  byId("job").hidden = false;
  byId("job").dataset.state = state;
  byId("progress").value = state === "done" ? 1 : share;
  byId("step").textContent = state === "queued" ? texts.queued(position) : under ? step : ended[state] ?? "";
  byId("press").setAttribute("aria-disabled", under);
  byId("cancel").hidden = !under;
  byId("made").hidden = state !== "done";
  if (state === "failed") fault(message || texts.notLearnt);
  if (under) return;
  job = null;
  busy = false;
  keep("job", null);
  if (state !== "done") return;
  byId("made-words").textContent = texts.taught(model, version);
  byId("try").href = `./?${new URLSearchParams({ model, version })}`;
  byId("download").onclick = () => guarded((headers) => download(model, version, headers));
}

/** Do what needs the token; what goes wrong is told. */
async function guarded(call) {
  try {
    return await authorized(call);
  } catch ({ message }) {
    fault(message);
    return null;
  }
}

function watch(begun) {
  job = begun;
  busy = true;
  keep("job", job);
  show({ state: "queued", ...job });
  follow(job.id, { told: show, lost: () => show({ state: "interrupted" }) });
}

async function start(begin) {
  fault("");
  busy = true;
  byId("step").textContent = texts.sending;
  const begun = await guarded(begin);
  busy = false;
  byId("step").textContent = "";
  if (begun) watch(begun);
}

function teach() {
  const name = byId("name").value.trim();
  if (!name || !byId("name").checkValidity()) {
    fault(texts.mustName);
    byId("name").focus();
  } else if (!zip && classes.taught.size < 2) {
    fault(texts.mustHaveTwo);
  } else {
    start(async (headers) => zip ? beginZip(name, zip, headers) : begin(name, await classes.asJSON(), headers));
  }
}

byId("lesson").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!busy) teach();
});
byId("retrain")?.addEventListener("click", () => {
  if (!busy) start((headers) => beginCorrections(byId("corrected").value, headers));
});
byId("cancel").addEventListener("click", () => job && guarded((headers) => cancel(job.id, headers)));

const lesson = kept("lesson");
byId("name").value = lesson?.name ?? "";
classes.restore(lesson?.classes?.length ? lesson.classes : EMPTY);
byId("invitation").hidden = !pad.blank;
byId("add").setAttribute("aria-disabled", pad.blank);
refresh();
if (job) watch(job);
if (byId("corrected")) {
  request("models").then(({ body: { models } }) => {
    byId("corrected").replaceChildren(...models.map(({ name }) => new Option(name)));
  }).catch(({ message }) => fault(message));
}
