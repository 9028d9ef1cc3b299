// A market's last trades, newest first.

import { dress, find, rows, write } from "./elements.js";
import { decimalsOf, fixed, timeOf } from "./numbers.js";

const SHOWN = 27;

export class TradesView {
  #body = find("trades").tBodies[0];
  #market = null;
  #trades = [];

  show(market) {
    this.#market = market;
    this.#trades = [];
    this.draw();
  }

  /** Takes trades in, of whatever time; one that is known already is not shown twice. */
  add(trades) {
    const byId = new Map([...trades, ...this.#trades].map((trade) => [trade.id, trade]));
    this.#trades = [...byId.values()].toSorted((one, other) => other.id - one.id).slice(0, SHOWN);
  }

  draw() {
    if (!this.#market) return;
    const prices = decimalsOf(this.#market.priceIncrement);
    const sizes = decimalsOf(this.#market.sizeIncrement);
    const shown = rows(this.#body, this.#trades.length, 3);
    this.#trades.forEach((trade, at) => {
      const [price, size, time] = shown[at].cells;
      write(price, `${fixed(trade.price, prices)}`);
      dress(price, trade.side === "buy" ? "up" : "down");
      write(size, fixed(trade.size, sizes));
      write(time, timeOf(trade.time));
      shown[at].title = `${trade.side === "buy" ? "bought" : "sold"}${trade.liquidation ? ", a liquidation" : ""}`;
    });
  }
}
