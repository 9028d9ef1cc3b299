// A value that others watch.

export class Value {
  #value;
  #watchers = new Set();

  constructor(value) {
    this.#value = value;
  }

  get() {
    return this.#value;
  }

  /** Tells all who watch, unless it is what it was. */
  set(value) {
    if (value === this.#value) return;
    this.#value = value;
    this.tell();
  }

  /** Tells all who watch that something within the value has changed. */
  tell() {
    for (const watcher of [...this.#watchers]) watcher(this.#value);
  }

  /** Calls `watcher` now and at every change; returns what ends that. */
  watch(watcher) {
    this.#watchers.add(watcher);
    watcher(this.#value);
    return () => this.#watchers.delete(watcher);
  }
}
