// Asks the server: one request under way at most, and the newest drawing wins.

import { Away, pause, plain, request } from "./http.js";
import { texts } from "./texts.js";

const BREATH = 30; // ms between two requests, so that drawing does not flood a distant server
const UPLOAD_ATTEMPTS = 3;

function serverTime(headers) {
  const total = /\btotal;dur=([\d.]+)/.exec(headers.get("Server-Timing") ?? "");
  return total && Number(total[1]);
}

export class Reader {
  #choice;
  #listeners;
  #next = null;
  #busy = false;
  #generation = 0;
  #hurry = () => {};

  /** `choice()` tells which model reads, as `picker` does; `listeners`: { answer(reading, subject), fault(message) } */
  constructor(choice, listeners) {
    this.#choice = choice;
    this.#listeners = listeners;
  }

  /** Read `subject`, { strokes, picture }, as soon as the request under way is done; at once after it if `settled`. */
  read(subject, settled = true) {
    this.#next = subject;
    if (settled) this.#hurry();
    if (!this.#busy) this.#work();
  }

  /** Drop what waits, and the answer to what is under way. */
  forget() {
    this.#next = null;
    this.#generation += 1;
  }

  /** The answer to `subject`, with its times; throws a Fault. */
  async ask({ strokes, picture }) {
    const { query, rows } = await this.#choice();
    const options = new URLSearchParams({ ...query, top: rows, symbols: "auto", seen: true });
    const started = performance.now();
    const { body, headers } = await request(`predict?${options}`, {
      method: "POST",
      body: picture ? picture.file : JSON.stringify({ strokes: plain(strokes) }),
      headers: { "Content-Type": picture ? picture.file.type : "application/json" },
    });
    return { ...body, trip: performance.now() - started, server: serverTime(headers) };
  }

  // Who has lifted the pen waits for nothing but the server.
  #breath() {
    return new Promise((resolve) => {
      this.#hurry = resolve;
      setTimeout(resolve, BREATH);
    });
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
        const reading = await this.ask(subject);
        if (!outdated()) this.#listeners.answer(reading, subject);
        await this.#breath();
      } catch (fault) {
        misses = subject === failed ? misses + 1 : 1;
        failed = subject;
        // A server that is alive and yet hangs up on an upload will do so again.
        const giveUp = subject.picture && fault instanceof Away && misses >= UPLOAD_ATTEMPTS;
        if (!outdated()) this.#listeners.fault(giveUp ? texts.brokenOff : fault.message);
        if (fault.wait && !giveUp) {
          await pause(fault.wait);
          if (!outdated()) this.#next ??= subject;
        }
      }
    }
    this.#busy = false;
  }
}
