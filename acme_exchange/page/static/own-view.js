// Keeps what is one's own in the chart and in the book as the account has it.

import { fillsWithin, ownLines, ownMarkers } from "./own-in-chart.js";

export class OwnView {
  #market;
  #account;
  #lines = "";

  constructor(market, account, frames) {
    this.#market = market;
    this.#account = account;
    market.chart.describeAlso = (time) =>
      market.current ? fillsWithin(market.current, account.fills.get(), time, market.resolution) : "";
    const drawLines = () => this.#drawLines();
    const drawMarkers = () => this.#drawMarkers();
    for (const value of [account.state, account.orders]) value.watch(() => frames.request(drawLines));
    account.fills.watch(() => frames.request(drawMarkers));
    market.loaded.watch(() => frames.request(() => this.draw()));
  }

  /** Draws all of it again, in the colours of the theme. */
  draw() {
    this.#lines = "";
    this.#drawLines();
    this.#drawMarkers();
  }

  #drawLines() {
    const { current, mark } = this.#market;
    if (!current) return;
    const orders = this.#account.orders.get();
    const lines = ownLines(current, this.#account.state.get(), orders, Number(mark ?? current.price));
    // Lines are made anew, which costs more than to see that they are the same.
    const text = JSON.stringify(lines);
    if (text !== this.#lines) this.#market.chart.draw(lines);
    this.#lines = text;
    this.#market.bookView.mark(orders.values());
    this.#market.bookView.draw();
  }

  #drawMarkers() {
    const { current, candles, resolution, chart } = this.#market;
    if (!current || !candles) return;
    chart.mark(ownMarkers(current, this.#account.fills.get(), candles.list, resolution));
  }
}
