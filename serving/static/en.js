// English.

export const en = ({ share, guess, number }) => {
  const perhaps = (top) => `perhaps ${top.slice(0, 2).map(guess).join(" or ")}`;
  const sure = (confidence) => `${share(confidence)} sure`;
  return {
    version: (name, version) => `${name}, version ${version}`,
    labelled: (name, label) => `${name}, ${label}`,

    drawOne: "Draw one symbol",
    blank: "The answer appears here while you draw.",
    reading: "Reading…",
    sure,
    unsure: "Not sure",
    perhaps: (top) => `Perhaps ${top.slice(0, 2).map(guess).join(" or ")}`,
    // Of several symbols: the one shown in full, the name of a button in the answer, all of them read out.
    oneOf: ({ label, confidence, unsure, top }) =>
      unsure ? `Not sure: ${perhaps(top)}` : `${sure(confidence)} of ${label}`,
    button: ({ label, confidence, unsure }) => `${label}, ${unsure ? "not sure" : sure(confidence)}`,
    nothing: "Nothing there",
    nothingDetail: "No ink was found in this picture.",
    announce: (answer, detail) => `${answer}. ${detail}`,
    summary: (symbols) => {
      const doubts = symbols.flatMap(({ unsure, top }, i) =>
        unsure ? [`Not sure of symbol ${i + 1}: ${perhaps(top)}.`] : []);
      if (doubts.length) return doubts.join(" ");
      return `At least ${share(Math.min(...symbols.map(({ confidence }) => confidence)))} sure of each symbol.`;
    },
    faint: "< 0.1%",
    timing: (name, version, trip, server) =>
      `${name}, version ${version} · ${number(trip)} ms round trip` +
      (server === null ? "" : `, ${number(server)} ms in the server`),

    failed: "No answer",
    away: "The server does not answer. What you drew is kept; trying again…",
    brokenOff: "The server broke off while it took in this picture. It may be too large: try a smaller one.",
    unexplained: (status) => `The server failed without saying why (status ${status}).`,
    noModel: "The server has no model to read with.",
    notAPicture: (name) => `${name} is not a picture. Open a PNG, JPEG, WebP, GIF, BMP or TIFF file.`,
    noPreview: (name) => `No preview of ${name}`,
    unreadable: (name) => `${name} cannot be read.`,
    tile: (name, words) => `${name}: ${words}`,

    why: (label) => `Why ${label}?`,
    whyUnsure: "Why not sure?",
    without: (label, { label: instead, confidence }) =>
      instead === label
        ? `The framed part matters most. Even without it, this would be read as ${guess({ label, confidence })}.`
        : `The framed part matters most: without it, this would be read as ${guess({ label: instead, confidence })}.`,
    margin: (label, rival, times) =>
      times > 1e5
        ? `${label} is more than 100,000 times as likely as ${rival}, the next likeliest.`
        : `${label} is ${number(times)} times as likely as ${rival}, the next likeliest.`,
    speaksFor: (label) => `speaks for ${label}`,
    speaksAgainst: "speaks against it",
    like: (label, likeness) => `${label}, ${share(likeness)} alike`,

    readAs: (label) => `It was read as ${label}.`,
    readAsOf: (label, place, count) => `Symbol ${place} of ${count} was read as ${label}.`,
    kept: (truth) => `Kept: it was ${truth}.`,
    forgotten: "Deleted again.",

    drawingOf: (label, count) => `${label}: ${count} drawn`,
    unnamed: (place) => `class ${place}`,
    remove: (label) => `Remove ${label}`,
    removeDrawing: (place, label) => `Remove drawing ${place} of ${label}`,
    nameOf: (place) => `Name of class ${place}`,
    drawFor: (label) => `Draw ${label}`,
    zip: (name, kilobytes) => `${name}, ${number(kilobytes)} kB, is sent as it is.`,
    noPictures: "There were no pictures in folders: put those of each class into a folder of its name.",
    mustName: "Give the set a name of letters, digits, '-', '_' and '.'.",
    mustHaveTwo: "Two classes are the least: each with a name of its own and a few drawings.",
    sending: "Sending…",
    queued: (position) => (position ? `Waiting for its turn: ${position} before it.` : "Waiting for its turn."),
    took: (seconds) => `Done in ${number(seconds)} s.`,
    taught: (name, version) => `${name}, version ${version}, is ready.`,
    cancelled: "Cancelled.",
    interrupted: "The server was restarted, and did not go on with this. Press Teach once more.",
    notLearnt: "It was not learnt.",
    wrongToken: "The server does not know this token.",
  };
};
