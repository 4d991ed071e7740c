// Which model reads: what the server has, and the reader's choice.

import { Fault, request } from "./http.js";
import { keep, kept } from "./stored.js";
import { texts } from "./texts.js";

const ROWS = 10;
const SERVED = ["AVAILABLE", "START", "LOADING"];

/** A model as { key, title, query, labels, symbols, rows }: `query` is what /predict takes. */
function choices({ name, labels, symbols, status = [], version_labels: named = {} }) {
  const numbers = status.filter(({ state }) => SERVED.includes(state)).map(({ version }) => version);
  const choice = (title, query) => ({
    key: Object.values(query).join("/"), title, query, labels, symbols, rows: Math.min(labels.length, ROWS),
  });
  const newest = choice(name, { model: name });
  if (numbers.length < 2 && Object.keys(named).length === 0) return [newest];
  return [
    newest,
    ...Object.keys(named).map((label) => choice(texts.labelled(name, label), { model: name, version: label })),
    ...numbers.map((version) => choice(texts.version(name, version), { model: name, version })),
  ];
}

/** Fill `select`; the result is a function that gives the choice, once the server has told what there is. */
export function picker(select, changed) {
  const address = new URLSearchParams(location.search);
  const asked = [address.get("model"), address.get("version")].filter(Boolean).join("/");
  let known = null;
  const current = () => known.find(({ key }) => key === select.value);

  select.addEventListener("change", () => {
    keep("model", select.value);
    changed(current());
  });
  return async () => {
    if (known) return current();
    const { models } = (await request("models")).body;
    known = models.filter(({ labels }) => labels).flatMap(choices);
    if (!known.length) {
      known = null;
      throw new Fault(texts.noModel);
    }
    select.replaceChildren(...known.map(({ key, title }) => new Option(title, key)));
    // A version that has no entry of its own is the newest, or not served any more.
    const wanted = [asked, address.get("model"), kept("model"), "digits"].find((key) => known.some((choice) => choice.key === key));
    if (wanted) select.value = wanted;
    changed(current());
    return current();
  };
}
