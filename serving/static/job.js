// A job of teaching on the server: sent, followed, called off, and what it made fetched.

import { open, request, send } from "./http.js";

const PATIENCE = 120000; // ms: many pictures take their time
const SAVED = 1000; // ms until the browser surely has begun to save
const ENDED = ["done", "failed", "cancelled", "interrupted"];

/** Start to teach `classes`, as /teach takes them; the job. */
export const begin = async (name, classes, headers) =>
  (await send("teach", { name, classes }, { headers, patience: PATIENCE })).body;

/** The same with a zip. */
export const beginZip = async (name, file, headers) =>
  (await request(`teach?${new URLSearchParams({ name })}`, {
    method: "POST", body: file, headers: { ...headers, "Content-Type": "application/zip" }, patience: PATIENCE,
  })).body;

/** Teach the model of that name what it was corrected in. */
export const beginCorrections = async (name, headers) =>
  (await send("teach", { name, corrections: true }, { headers })).body;

export const cancel = (id, headers) => request(`teach/${id}`, { method: "DELETE", headers });

/**
 * Tell each state of a job as it comes, until it has ended; `lost()` is called where the server knows nothing of it.
 * Whoever knows the id may watch, so the browser's own way of reconnecting does.
 */
export function follow(id, { told, lost }) {
  const source = new EventSource(`teach/${id}/events`);
  source.addEventListener("message", ({ data }) => {
    const state = JSON.parse(data);
    if (ENDED.includes(state.state)) source.close();
    told(state);
  });
  source.addEventListener("error", () => source.readyState === EventSource.CLOSED && lost());
}

/** Let the browser save the model as a zip. */
export async function download(name, version, headers) {
  const response = await open(`models/${name}/versions/${version}/download`, { headers });
  const address = URL.createObjectURL(await response.blob());
  const link = Object.assign(document.createElement("a"), { href: address, download: `${name}-${version}.zip` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), SAVED);
}
