// Pictures that come in: chosen, photographed, pasted, dropped.

import { byId } from "./dom.js";

const PREVIEW = 1200; // px, the longer side of a picture's copy on the pad

/** A file as what a pad takes: { file, bitmap, width, height }, the bitmap null where the browser cannot show it. */
export async function preview(file) {
  try {
    const whole = await createImageBitmap(file);
    const { width, height } = whole;
    const shrink = Math.min(1, PREVIEW / Math.max(width, height));
    const bitmap = await createImageBitmap(whole, {
      resizeWidth: Math.max(1, Math.round(width * shrink)),
      resizeHeight: Math.max(1, Math.round(height * shrink)),
      resizeQuality: "high",
    });
    whole.close();
    return { file, bitmap, width, height };
  } catch {
    // The server reads formats that browsers do not, TIFF for one.
    return { file, bitmap: null, width: 0, height: 0 };
  }
}

/** Let `input` be opened by `button`, and give `take` the files that were chosen. */
export function chooser(button, input, take) {
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = ""; // so that choosing the same file again is a change
  });
}

/** Give `take` the DataTransfer of whatever files are dropped on the page. */
export function droppable(take) {
  const sheet = byId("sheet");
  const carriesFile = (event) => event.dataTransfer.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    sheet.classList.add("welcoming");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) sheet.classList.remove("welcoming");
  });
  document.addEventListener("drop", (event) => {
    sheet.classList.remove("welcoming");
    if (!carriesFile(event)) return;
    event.preventDefault();
    take(event.dataTransfer);
  });
}
