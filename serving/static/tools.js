// The buttons and keys around a pad.

import { byId } from "./dom.js";
import { keep, kept } from "./stored.js";

/** Let the buttons undo, redo, erase and clear, and their keys, work on `pad`; the result says which of them can. */
export function equip(pad, { cleared = () => {} } = {}) {
  const [undo, redo, erase, clear] = ["undo", "redo", "erase", "clear"].map(byId);
  const hold = (erasing) => {
    pad.erasing = erasing;
    erase.setAttribute("aria-pressed", erasing);
    byId("pad").classList.toggle("erasing", erasing);
  };
  const empty = () => {
    hold(false);
    pad.clear();
    cleared();
  };
  undo.addEventListener("click", () => pad.undo());
  redo.addEventListener("click", () => pad.redo());
  erase.addEventListener("click", () => hold(!pad.erasing));
  clear.addEventListener("click", empty);
  document.addEventListener("keydown", (event) => {
    // In a field, the keys are the field's; in a dialog, the dialog's.
    if (event.target.closest("input, textarea, select, dialog")) return;
    const command = (event.ctrlKey || event.metaKey) && !event.altKey;
    const key = event.key.toLowerCase();
    if (command && key === "z") event.shiftKey ? pad.redo() : pad.undo();
    else if (command && key === "y") pad.redo();
    else if (event.key === "Escape") pad.erasing ? hold(false) : empty();
    else return;
    event.preventDefault();
  });
  return () => {
    undo.setAttribute("aria-disabled", !pad.undoable);
    redo.setAttribute("aria-disabled", !pad.redoable);
    clear.setAttribute("aria-disabled", pad.blank);
    const rubbable = pad.subject.strokes.length > 0;
    erase.setAttribute("aria-disabled", !rubbable && !pad.erasing);
  };
}

/** The drawing that was kept under `name`. */
export const drawn = (name) => kept(name) ?? [];
export const keepDrawn = (name, { strokes }) => keep(name, strokes);
