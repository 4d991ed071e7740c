// Asks the server: one request under way at most, and the newest drawing wins.

import { texts } from "./texts.js";

const ROWS = 10;
const BREATH = 30; // ms between two requests, so that drawing does not flood a distant server
const RETRY = 2000;
const PATIENCE = 15000;
const UPLOAD_ATTEMPTS = 3;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A request without an answer. `wait`: ms until it is worth another try, null if it never is. */
class Fault extends Error {
  constructor(message, wait = null) {
    super(message);
    this.wait = wait;
  }
}

class Away extends Fault {}

async function request(path, options = {}) {
  let response, body;
  try {
    response = await fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE) });
    body = await response.text();
  } catch {
    throw new Away(texts.away, RETRY);
  }
  try {
    body = JSON.parse(body);
  } catch {
    body = {};
  }
  if (!response.ok) {
    const after = Number(response.headers.get("Retry-After"));
    throw new Fault(body.error ?? texts.unexplained(response.status), after ? after * 1000 : null);
  }
  return { body, headers: response.headers };
}

function serverTime(headers) {
  const total = /\btotal;dur=([\d.]+)/.exec(headers.get("Server-Timing") ?? "");
  return total && Number(total[1]);
}

export class Reader {
  #listeners;
  #model = null;
  #next = null;
  #busy = false;
  #generation = 0;

  /** `listeners`: { model(model), answer(reading, subject), fault(message) } */
  constructor(listeners) {
    this.#listeners = listeners;
  }

  /** Learn which model reads and what its labels are; harmless to call twice. */
  async connect() {
    if (this.#model) return;
    const { models } = (await request("models")).body;
    const model = models.find(({ name }) => name === "digits") ?? models[0];
    if (!model) throw new Fault(texts.noModel);
    this.#model = { ...model, rows: Math.min(model.labels.length, ROWS) };
    this.#listeners.model(this.#model);
  }

  /** Read `subject`, { strokes, picture }, as soon as the request under way is done. */
  read(subject) {
    this.#next = subject;
    if (!this.#busy) this.#work();
  }

  /** Drop what waits, and the answer to what is under way. */
  forget() {
    this.#next = null;
    this.#generation += 1;
  }

  async #work() {
    this.#busy = true;
    let failed = null;
    let misses = 0;
    while (this.#next) {
      const subject = this.#next;
      const generation = this.#generation;
      const outdated = () => generation !== this.#generation;
      this.#next = null;
      try {
        const reading = await this.#ask(subject);
        if (!outdated()) this.#listeners.answer(reading, subject);
        await pause(BREATH);
      } catch (fault) {
        misses = subject === failed ? misses + 1 : 1;
        failed = subject;
        // A server that is alive and yet hangs up on an upload will do so again.
        const giveUp = subject.picture && fault instanceof Away && misses >= UPLOAD_ATTEMPTS;
        if (!outdated()) this.#listeners.fault(giveUp ? texts.brokenOff : fault.message);
        if (fault.wait !== null && !giveUp) {
          await pause(fault.wait);
          if (!outdated()) this.#next ??= subject;
        }
      }
    }
    this.#busy = false;
  }

  async #ask({ strokes, picture }) {
    await this.connect();
    const query = new URLSearchParams({
      model: this.#model.name, top: this.#model.rows, symbols: "auto", seen: true,
    });
    const started = performance.now();
    const { body, headers } = await request(`predict?${query}`, {
      method: "POST",
      body: picture ? picture.file : JSON.stringify({ strokes }),
      headers: { "Content-Type": picture ? picture.file.type : "application/json" },
    });
    return { ...body, trip: performance.now() - started, server: serverTime(headers) };
  }
}
