// The order book: sizes as bars, what it adds up to, the spread, and where one's own orders stand.

import { gathered } from "./book.js";
import { find, make, rows, write } from "./elements.js";
import { decimalsOf, fixed } from "./numbers.js";

const LEVELS = 13;
const STEPS = [1, 2, 5, 10, 50, 100];

export class BookView {
  #book = null;
  #market = null;
  #mine = new Map();
  #step = 1;
  #bodies = { bids: find("bids").tBodies[0], asks: find("asks").tBodies[0] };
  #spread = find("spread");
  #steps = find("step");

  /** `pick` is told the price of a level that is clicked on. */
  constructor(pick) {
    this.#steps.onchange = () => {
      this.#step = Number(this.#steps.value);
      this.draw();
    };
    for (const body of Object.values(this.#bodies)) {
      body.addEventListener("click", (event) => {
        const row = event.target.closest("tr");
        if (row?.dataset.price) pick(Number(row.dataset.price));
      });
    }
  }

  /** Shows the book of another market. */
  show(market, book) {
    this.#market = market;
    this.#book = book;
    this.#step = 1;
    const decimals = decimalsOf(market.priceIncrement);
    this.#steps.replaceChildren(
      ...STEPS.map((times) => make("option", { value: times }, fixed(times * market.priceIncrement, decimals))),
    );
    this.draw();
  }

  /** Marks the levels on which own orders rest; `orders` are of all markets. */
  mark(orders) {
    this.#mine = new Map();
    for (const order of orders) {
      if (order.market !== this.#market?.name || order.price === null) continue;
      this.#mine.set(Number(order.price), (this.#mine.get(Number(order.price)) ?? 0) + Number(order.remainingSize));
    }
  }

  draw() {
    if (!this.#book) return;
    const step = this.#step * this.#market.priceIncrement;
    const shown = {};
    for (const side of ["asks", "bids"]) {
      const levels = this.#step === 1 ? this.#book.levels(side) : gathered(this.#book.levels(side), side, step);
      shown[side] = withTotals(levels.slice(0, LEVELS));
    }
    const most = Math.max(0, ...["asks", "bids"].map((side) => shown[side].at(-1)?.total ?? 0));
    this.#drawSide("asks", shown.asks.toReversed(), most, step);
    this.#drawSide("bids", shown.bids, most, step);
    this.#drawSpread();
  }

  #drawSide(side, levels, most, step) {
    const prices = decimalsOf(this.#market.priceIncrement);
    const sizes = decimalsOf(this.#market.sizeIncrement);
    const shown = rows(this.#bodies[side], LEVELS, 3);
    const offset = side === "asks" ? LEVELS - levels.length : 0;
    for (let at = 0; at < LEVELS; at += 1) {
      const level = levels[at - offset];
      const row = shown[at];
      const [price, size, total] = row.cells;
      price.className = side === "asks" ? "down" : "up";
      write(price, level ? fixed(level.price, prices) : "\u00a0");
      write(size, level ? fixed(level.size, sizes) : "");
      write(total, level ? fixed(level.total, sizes) : "");
      row.style.setProperty("--depth", level ? `${((100 * level.total) / most).toFixed(1)}%` : "0%");
      row.dataset.price = level ? level.price : "";
      this.#markRow(row, level && this.#mineWithin(level.price, side, step), sizes);
    }
  }

  #markRow(row, mine, sizes) {
    if (mine) {
      row.dataset.mine = mine;
      row.title = `your orders: ${fixed(mine, sizes)}`;
    } else if (row.dataset.mine) {
      delete row.dataset.mine;
      row.removeAttribute("title");
    }
  }

  /** How much of one's own is in a level, which may be several prices. */
  #mineWithin(price, side, step) {
    if (this.#step === 1) return this.#mine.get(price);
    let sum = 0;
    for (const [own, size] of this.#mine) {
      const distance = side === "bids" ? own - price : price - own;
      if (distance > -1e-9 && distance < step - 1e-9) sum += size;
    }
    return sum;
  }

  #drawSpread() {
    const ask = this.#book.levels("asks")[0]?.[0];
    const bid = this.#book.levels("bids")[0]?.[0];
    if (ask === undefined || bid === undefined) {
      write(this.#spread, ask === bid ? "nobody offers" : ask === undefined ? "nobody sells" : "nobody buys");
      return;
    }
    const share = ((ask - bid) / ask) * 100;
    const decimals = decimalsOf(this.#market.priceIncrement);
    write(this.#spread, `spread ${fixed(ask - bid, decimals)} · ${fixed(share, 3)} %`);
  }
}

function withTotals(levels) {
  let total = 0;
  return levels.map(([price, size]) => {
    total += size;
    return { price, size, total };
  });
}
