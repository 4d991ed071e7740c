// Every sentence that the scripts show. What never changes stands in index.html.

const language = document.documentElement.lang;
// No model is quite certain: rounding down, and a 1 that the server has rounded is none.
const shares = new Intl.NumberFormat(language, {
  style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1, roundingMode: "floor",
});
const times = new Intl.NumberFormat(language, { maximumSignificantDigits: 2 });

export const share = (value) => shares.format(Math.min(value, 0.9999));

const guesses = (top) =>
  top.slice(0, 2).map(({ label, confidence }) => `${label} (${share(confidence)})`);

export const texts = {
  model: (name, version) => `${name}, version ${version}`,

  drawOne: "Draw one symbol",
  blank: "The answer appears here while you draw.",
  reading: "Reading…",
  sure: (confidence) => `${share(confidence)} sure`,
  unsure: "Not sure",
  perhaps: (top) => `Perhaps ${guesses(top).join(" or ")}`,
  // Of several symbols: the one shown in full, the name of a button in the answer, all of them read out.
  oneOf: ({ label, confidence, unsure, top }) =>
    unsure ? `Not sure: perhaps ${guesses(top).join(" or ")}` : `${texts.sure(confidence)} of ${label}`,
  button: ({ label, confidence, unsure }) => `${label}, ${unsure ? "not sure" : texts.sure(confidence)}`,
  nothing: "Nothing there",
  nothingDetail: "No ink was found in this picture.",
  announce: (answer, detail) => `${answer}. ${detail}`,
  summary: (symbols) => {
    const doubts = symbols.flatMap(({ unsure, top }, i) =>
      unsure ? [`Not sure of symbol ${i + 1}: perhaps ${guesses(top).join(" or ")}.`] : []);
    if (doubts.length) return doubts.join(" ");
    return `At least ${share(Math.min(...symbols.map(({ confidence }) => confidence)))} sure of each symbol.`;
  },

  timing: (trip, server) =>
    `${times.format(trip)} ms round trip` +
    (server === null ? "" : `, ${times.format(server)} ms in the server`),

  failed: "No answer",
  away: "The server does not answer. What you drew is kept; trying again…",
  brokenOff: "The server broke off while it took in this picture. It may be too large: try a smaller one.",
  unexplained: (status) => `The server failed without saying why (status ${status}).`,
  noModel: "The server has no model to read with.",
  notAPicture: (name) => `${name} is not a picture. Open a PNG, JPEG, WebP, GIF, BMP or TIFF file.`,
  noPreview: (name) => `No preview of ${name}`,
};
