// Steps that can be taken back, and made again.

const MEMORY = 100;

export class History {
  #now;
  #past = [];
  #future = [];

  constructor(now) {
    this.#now = now;
  }

  get now() {
    return this.#now;
  }

  get undoable() {
    return this.#past.length > 0;
  }

  get redoable() {
    return this.#future.length > 0;
  }

  commit(state) {
    this.#past.push(this.#now);
    if (this.#past.length > MEMORY) this.#past.shift();
    this.#future = [];
    this.#now = state;
  }

  undo() {
    if (this.undoable) this.#step(this.#past, this.#future);
  }

  redo() {
    if (this.redoable) this.#step(this.#future, this.#past);
  }

  #step(from, to) {
    to.push(this.#now);
    this.#now = from.pop();
  }
}
