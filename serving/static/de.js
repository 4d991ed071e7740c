// Deutsch.

export const de = ({ share, guess, number }) => {
  const perhaps = (top) => `vielleicht ${top.slice(0, 2).map(guess).join(" oder ")}`;
  const sure = (confidence) => `zu ${share(confidence)} sicher`;
  return {
    version: (name, version) => `${name}, Version ${version}`,
    labelled: (name, label) => `${name}, ${label}`,

    drawOne: "Zeichne ein Zeichen",
    blank: "Die Antwort erscheint hier, während du zeichnest.",
    reading: "Wird gelesen …",
    sure,
    unsure: "Nicht sicher",
    perhaps: (top) => `Vielleicht ${top.slice(0, 2).map(guess).join(" oder ")}`,
    oneOf: ({ label, confidence, unsure, top }) =>
      unsure ? `Nicht sicher: ${perhaps(top)}` : `${label}, ${sure(confidence)}`,
    button: ({ label, confidence, unsure }) => `${label}, ${unsure ? "nicht sicher" : sure(confidence)}`,
    nothing: "Nichts zu sehen",
    nothingDetail: "In diesem Bild ist keine Tinte zu finden.",
    announce: (answer, detail) => `${answer}. ${detail}`,
    summary: (symbols) => {
      const doubts = symbols.flatMap(({ unsure, top }, i) =>
        unsure ? [`Zeichen ${i + 1} nicht sicher: ${perhaps(top)}.`] : []);
      if (doubts.length) return doubts.join(" ");
      return `Jedes Zeichen mindestens ${sure(Math.min(...symbols.map(({ confidence }) => confidence)))}.`;
    },
    faint: "< 0,1 %",
    timing: (name, version, trip, server) =>
      `${name}, Version ${version} · ${number(trip)} ms hin und zurück` +
      (server === null ? "" : `, ${number(server)} ms im Server`),

    failed: "Keine Antwort",
    away: "Der Server antwortet nicht. Die Zeichnung bleibt erhalten; neuer Versuch …",
    brokenOff: "Der Server hat abgebrochen, während er das Bild annahm. Vielleicht ist es zu groß: nimm ein kleineres.",
    unexplained: (status) => `Der Server ist gescheitert und sagt nicht, woran (Status ${status}).`,
    noModel: "Der Server hat kein Modell, mit dem er lesen könnte.",
    notAPicture: (name) => `${name} ist kein Bild. Öffne eine Datei in PNG, JPEG, WebP, GIF, BMP oder TIFF.`,
    noPreview: (name) => `Keine Vorschau von ${name}`,
    unreadable: (name) => `${name} lässt sich nicht lesen.`,
    tile: (name, words) => `${name}: ${words}`,

    why: (label) => `Warum ${label}?`,
    whyUnsure: "Warum nicht sicher?",
    without: (label, { label: instead, confidence }) =>
      instead === label
        ? `Am meisten zählt der umrahmte Teil. Selbst ohne ihn stünde da ${guess({ label, confidence })}.`
        : `Am meisten zählt der umrahmte Teil: ohne ihn stünde da ${guess({ label: instead, confidence })}.`,
    margin: (label, rival, times) =>
      times > 1e5
        ? `${label} ist über 100.000-mal so wahrscheinlich wie ${rival}, das Nächstwahrscheinliche.`
        : `${label} ist ${number(times)}-mal so wahrscheinlich wie ${rival}, das Nächstwahrscheinliche.`,
    speaksFor: (label) => `spricht für ${label}`,
    speaksAgainst: "spricht dagegen",
    like: (label, likeness) => `${label}, ${share(likeness)} gleich`,

    readAs: (label) => `Gelesen wurde ${label}.`,
    readAsOf: (label, place, count) => `Zeichen ${place} von ${count} wurde als ${label} gelesen.`,
    kept: (truth) => `Gespeichert: Es war ${truth}.`,
    forgotten: "Wieder gelöscht.",

    drawingOf: (label, count) => `${label}: ${count} gezeichnet`,
    unnamed: (place) => `Klasse ${place}`,
    remove: (label) => `${label} entfernen`,
    removeDrawing: (place, label) => `Zeichnung ${place} von ${label} entfernen`,
    nameOf: (place) => `Name der Klasse ${place}`,
    drawFor: (label) => `${label} zeichnen`,
    zip: (name, kilobytes) => `${name}, ${number(kilobytes)} kB, wird so gesendet.`,
    noPictures: "Darin waren keine Bilder in Ordnern: lege die jeder Klasse in einen Ordner mit ihrem Namen.",
    mustName: "Gib dem Satz einen Namen aus Buchstaben ohne Umlaute, Ziffern, „-“, „_“ und „.“.",
    mustHaveTwo: "Es müssen mindestens zwei Klassen sein, jede mit eigenem Namen und ein paar Zeichnungen.",
    sending: "Wird gesendet …",
    queued: (position) => (position ? `Wartet: ${position} davor.` : "Wartet."),
    took: (seconds) => `Fertig nach ${number(seconds)} s.`,
    taught: (name, version) => `${name}, Version ${version}, ist bereit.`,
    cancelled: "Abgebrochen.",
    interrupted: "Der Server wurde neu gestartet und hat nicht weitergemacht. Drücke noch einmal auf „Lehren“.",
    notLearnt: "Das wurde nicht gelernt.",
    wrongToken: "Der Server kennt diesen Schlüssel nicht.",

    // What stands in the pages.
    page: {
      pages: "Seiten", draw: "Zeichnen", teach: "Lehren", quality: "Güte",
      model: "Modell", language: "Sprache",
      drawing: "Zeichnung",
      pad: "Zeichenfläche für Maus, Stift oder Finger. Mit der Tastatur: ein Bild öffnen oder einfügen.",
      padOrFolder: "Zeichenfläche für Maus, Stift oder Finger. Mit der Tastatur: einen Ordner mit Bildern öffnen.",
      drawOne: "Zeichne ein Zeichen",
      call: "Zeichne Ziffern", orDrop: "oder ziehe Bilder herein, füge sie ein, öffne sie",
      undo: "Rückgängig", redo: "Wiederholen", erase: "Radieren", clear: "Leeren",
      open: "Bild öffnen", photo: "Foto", pictures: "Bilder",
      readingTitle: "Antwort", seen: "Das Bild mit 28 mal 28 Punkten, das das Modell sah",
      seenCaption: "Was das Modell sah", bars: "Wahrscheinlichkeit jedes Zeichens",
      why: "Warum?", wrong: "Falsch?", close: "Schließen",
      whyMap: "Welche Tinte zählte: je kräftiger die Farbe, desto mehr",
      whyNote: "Gemessen, indem immer wieder fünf mal fünf Punkte Tinte weggenommen werden.",
      nearest: "Was das Modell gelernt hat und dem am ähnlichsten ist",
      whatWasIt: "Was war es?", allOfIt: "Oder alles zusammen", send: "Senden",
      correctNote: "Zeichnung, Antwort und Berichtigung werden auf dem Server gespeichert.",
      toTeach: "Was gelehrt wird", nameOfSet: "Name des Satzes", classes: "Klassen", addClass: "Klasse hinzufügen",
      add: "Übernehmen", hint: "Etwa fünf Zeichnungen von jeder Klasse. Oder ziehe einen Ordner mit je einem "
        + "Unterordner voller Bilder herein, oder ein ZIP davon.",
      folder: "Ordner öffnen", zip: "ZIP öffnen", dropZip: "Doch nicht", press: "Lehren", cancel: "Abbrechen",
      corrections: "Oder aus Berichtigungen lernen",
      tryIt: "Ausprobieren", download: "Herunterladen", newSet: "Von vorn",
      retrain: "Lernen",
      tokenTitle: "Dafür braucht es einen Schlüssel",
      tokenNote: "Den Verwaltungsschlüssel des Servers. Er bleibt in diesem Tab, bis er geschlossen wird.",
      token: "Schlüssel", go: "Weiter",
    },
  };
};
