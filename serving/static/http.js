// Requests, and what becomes of them in words.

import { texts } from "./texts.js";

const RETRY = 2000;
const PATIENCE = 15000;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A request without an answer. `wait`: ms until it is worth another try, null if it never is. */
export class Fault extends Error {
  constructor(message, { wait = null, status = 0 } = {}) {
    super(message);
    this.wait = wait;
    this.status = status;
  }
}

/** Nobody was there to refuse it. */
export class Away extends Fault {}

async function parsed(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

async function refusal(response) {
  const after = Number(response.headers.get("Retry-After"));
  const { error } = await parsed(response);
  return new Fault(error ?? texts.unexplained(response.status), {
    wait: after ? after * 1000 : null, status: response.status,
  });
}

/** The response whose body may still be coming; throws a Fault. */
export async function open(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Away(texts.away, { wait: RETRY });
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/** { body, headers } of an answer in JSON; throws a Fault. */
export async function request(path, { patience = PATIENCE, ...options } = {}) {
  const response = await open(path, { ...options, signal: AbortSignal.timeout(patience) });
  try {
    return { body: await parsed(response), headers: response.headers };
  } catch {
    throw new Away(texts.away, { wait: RETRY });
  }
}

/** The same, asked with a body of JSON. */
export const send = (path, value, { headers = {}, ...options } = {}) =>
  request(path, {
    method: "POST", body: JSON.stringify(value), headers: { "Content-Type": "application/json", ...headers }, ...options,
  });

/** A file as a data: URL. */
export const encoded = (file) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Fault(texts.unreadable(file.name)));
    reader.readAsDataURL(file);
  });

/** What the server reads of { strokes, picture }, as members of JSON. */
export async function asJSON({ strokes, picture }) {
  return picture ? { image: await encoded(picture.file) } : { strokes: plain(strokes) };
}

/** Strokes without the pressure of the pen, which only shows. */
export const plain = (strokes) => strokes.map((stroke) => stroke.map(([x, y]) => [x, y]));
