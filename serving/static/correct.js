// Telling the server what a symbol was, and taking that back.

import { byId, closable, make } from "./dom.js";
import { asJSON, request, send } from "./http.js";
import { texts } from "./texts.js";

const CHIPS = 40; // more labels than that are written, not looked for

const dialog = byId("correct-dialog");
let about = null;
let undo = null;

closable(dialog);
byId("correct-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const truth = byId("truth").value.trim();
  if (truth) tell({ truth, whole: true });
});
byId("kept-undo").addEventListener("click", () => undo?.());

/** Ask what symbol `picked` of `reading` of `subject` was, or all of it; `labels` are those that it may be. */
export function correct({ reading, subject, picked }, labels) {
  about = { reading, subject, picked };
  const { symbols, text } = reading;
  const { label } = symbols[picked];
  const several = symbols.length > 1;
  byId("correct-about").textContent =
    several ? texts.readAsOf(label, picked + 1, symbols.length) : texts.readAs(label);
  const chips = labels.length <= CHIPS ? labels.filter((other) => other !== label) : [];
  byId("chips").replaceChildren(...chips.map((truth) =>
    make("button", { type: "button", textContent: truth, onclick: () => tell({ truth, whole: false }) })));
  byId("correct-form").hidden = !several && chips.length > 0;
  byId("known").replaceChildren(...(chips.length ? [] : labels.map((known) => new Option(known))));
  byId("truth").value = several ? text : "";
  byId("correct-fault").textContent = "";
  dialog.showModal();
}

async function tell({ truth, whole }) {
  const { reading: { model, version, text, symbols }, subject, picked } = about;
  const one = symbols[picked];
  const part = whole || symbols.length === 1 ? { answer: text } : { answer: one.label, box: one.box };
  try {
    const { body } = await send("feedback", { ...(await asJSON(subject)), model, version, ...part, truth });
    dialog.close();
    note(texts.kept(truth), async () => {
      await request(`feedback/${body.id}`, { method: "DELETE" });
      note(texts.forgotten);
    });
  } catch ({ message }) {
    byId("correct-fault").textContent = message;
  }
}

function note(words, takeBack = null) {
  byId("kept-words").textContent = words;
  byId("kept-undo").hidden = !takeBack;
  byId("kept").hidden = false;
  undo = takeBack && (() => takeBack().catch(({ message }) => note(message)));
}

/** Put away what was said about the last correction. */
export function dismiss() {
  byId("kept").hidden = true;
}
