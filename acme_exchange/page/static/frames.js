// Draws at most ten times a second, and not at all while nobody can see the page.

const SPACING_MILLISECONDS = 100;

export class Frames {
  #waiting = new Set();
  #isPlanned = false;
  #latest = 0;

  /** Has `draw` called with the next frame, once, however often it was asked for until then. */
  request(draw) {
    this.#waiting.add(draw);
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    const wait = Math.max(0, this.#latest + SPACING_MILLISECONDS - performance.now());
    setTimeout(() => requestAnimationFrame(() => this.#draw()), wait);
  }

  #draw() {
    this.#latest = performance.now();
    this.#isPlanned = false;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const draw of waiting) draw();
  }
}
