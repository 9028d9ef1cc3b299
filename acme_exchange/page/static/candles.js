// A market's candles of one length: the latest, those before them as they are asked for, and those that trades make.

import { read } from "./requests.js";

const FIRST = 500;
const MOST = 6_000;
const KEPT = 3_000;
const CHECK_MILLISECONDS = 1_500;

export const RESOLUTIONS = [
  [15, "15s"],
  [60, "1m"],
  [300, "5m"],
  [900, "15m"],
  [3600, "1h"],
  [14400, "4h"],
  [86400, "1d"],
];

export class Candles {
  /** The oldest first; `time` in epoch seconds, `volume` in USD. */
  list = [];
  #path;
  #resolution;
  #isLoading = false;
  #isWhole = false;
  #checked;

  /** `checked` is called when the latest candles were set right by the venue's own. */
  constructor(market, resolution, checked) {
    this.#path = `/api/markets/${encodeURIComponent(market)}/candles?resolution=${resolution}`;
    this.#resolution = resolution;
    this.#checked = checked;
  }

  get resolution() {
    return this.#resolution;
  }

  /** Loads the latest, in place of all that were there. */
  async load(now) {
    this.list = await this.#asked(now / 1000 - FIRST * this.#resolution);
  }

  /** Loads some from before the first; returns whether there were any. */
  async loadOlder() {
    if (this.#isLoading || this.#isWhole || !this.list.length) return false;
    this.#isLoading = true;
    try {
      const first = this.list[0].time;
      const older = await this.#asked(first - FIRST * this.#resolution, first - 1);
      const before = older.filter((candle) => candle.time < first);
      this.#isWhole = before.length === 0;
      this.list = [...before, ...this.list];
      return before.length > 0;
    } finally {
      this.#isLoading = false;
    }
  }

  /** Takes a trade in. */
  trade(trade) {
    const moment = Date.parse(trade.time) / 1000;
    if (!this.list.length) this.list.push(flat(moment - (moment % this.#resolution), trade.price));
    this.reach(1000 * moment);
    const candle = this.list.at(-1);
    if (moment < candle.time) return;
    if (candle.isEmpty) {
      Object.assign(candle, { open: trade.price, high: trade.price, low: trade.price, isEmpty: false });
    }
    candle.high = Math.max(candle.high, trade.price);
    candle.low = Math.min(candle.low, trade.price);
    candle.close = trade.price;
    candle.volume += trade.price * trade.size;
  }

  /** Goes on to the candle of `now`, in milliseconds; returns whether it is a new one. */
  reach(now) {
    const start = Math.floor(now / 1000 / this.#resolution) * this.#resolution;
    const last = this.list.at(-1);
    if (!last || start <= last.time) return false;
    for (let time = last.time + this.#resolution; time <= start; time += this.#resolution) {
      this.list.push(flat(time, this.list.at(-1).close));
    }
    setTimeout(() => this.#check(last.time), CHECK_MILLISECONDS);
    return true;
  }

  /** Forgets the oldest of very many; returns whether there were. */
  shorten() {
    if (this.list.length <= MOST) return false;
    this.list = this.list.slice(-KEPT);
    this.#isWhole = false;
    return true;
  }

  async #check(from) {
    const latest = await this.#asked(from).catch(() => []);
    for (const candle of latest) {
      const at = this.list.findLastIndex((known) => known.time === candle.time);
      // The one that still grows is of a moment ago.
      if (at >= 0 && at < this.list.length - 1) this.list[at] = candle;
    }
    if (latest.length) this.#checked(this);
  }

  async #asked(start, end) {
    const until = end === undefined ? "" : `&end_time=${end}`;
    const found = await read(`${this.#path}&start_time=${Math.max(0, Math.floor(start))}${until}`);
    return found.map((candle) => ({
      time: candle.time / 1000,
      open: Number(candle.open),
      high: Number(candle.high),
      low: Number(candle.low),
      close: Number(candle.close),
      volume: Number(candle.volume),
    }));
  }
}

function flat(time, price) {
  return { time, open: price, high: price, low: price, close: price, volume: 0, isEmpty: true };
}
