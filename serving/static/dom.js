// Small helpers for elements.

export const byId = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** The 784 bytes of a picture that the network saw, from base64. */
export const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** The red, green and blue of a style's colour. */
export const rgb = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);

/** Paint those bytes, or nothing, in the colour of the canvas, which is in the page and has a pixel for each. */
export function paintInk(canvas, bytes) {
  const context = canvas.getContext("2d");
  const colour = rgb(getComputedStyle(canvas).color);
  const image = context.createImageData(canvas.width, canvas.height);
  bytes.forEach((ink, i) => image.data.set([...colour, ink], 4 * i));
  context.putImageData(image, 0, 0);
}

/** Let the buttons of a dialog close it. */
export function closable(dialog) {
  for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
  // A click beside it.
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
}
