// Equity over time, and the profit since the start: after fees and funding.

import { canDraw, chartOptions } from "./chart-style.js";
import { minus } from "./decimal.js";
import { choice, dress, find, write } from "./elements.js";
import { exact, fixed, percent, signed, signedExact, tone } from "./numbers.js";
import { read } from "./requests.js";
import { colours } from "./theme.js";
import { Value } from "./value.js";

const SPACING_MILLISECONDS = 10_000;
const MOST_POINTS = 800;
const POINTS = 400;
const RANGES = [
  [15, "1h"],
  [300, "1d"],
  [3600, "1w"],
  [14400, "2m"],
  [86400, "all"],
];
const KINDS = [
  ["profit", "Profit"],
  ["equity", "Equity"],
];

export class EquityView {
  #session;
  #chart = null;
  #series = null;
  #curve = null;
  #points = [];
  #read = 0;
  #timer = 0;
  #range = new Value(null);
  #kind = new Value("profit");

  constructor(account, session) {
    this.#session = session;
    choice(find("ranges"), RANGES, this.#range);
    choice(find("kinds"), KINDS, this.#kind);
    if (canDraw()) this.#make();
    session.who.watch(() => {
      clearTimeout(this.#timer);
      this.#curve = null;
      this.#points = [];
      this.#range.set(null);
      this.#series?.setData([]);
    });
    this.#range.watch(() => this.#curve && this.#load());
    this.#kind.watch(() => this.#redraw());
    account.past.watch(() => this.#loadLater());
    account.state.watch((state) => this.#go(state));
  }

  /** Takes the theme's colours. */
  dress() {
    if (!this.#chart) return;
    const { up, down } = colours();
    const up_fill = colours()["up-fill"];
    const down_fill = colours()["down-fill"];
    this.#chart.applyOptions({ ...chartOptions(), handleScroll: false, handleScale: false });
    this.#series.applyOptions({
      topLineColor: up,
      topFillColor1: up_fill,
      topFillColor2: "transparent",
      bottomLineColor: down,
      bottomFillColor1: "transparent",
      bottomFillColor2: down_fill,
    });
  }

  #make() {
    const library = window.LightweightCharts;
    this.#chart = library.createChart(find("equity-chart"), chartOptions());
    this.#series = this.#chart.addSeries(library.BaselineSeries, { lineWidth: 2, priceLineVisible: false });
    this.#chart.timeScale().applyOptions({ rightOffset: 1, minBarSpacing: 0.01 });
    this.dress();
  }

  /** What was deposited, and with it the past, is read again from time to time. */
  #loadLater() {
    if (this.#session.who.get().account === null) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), Math.max(0, this.#read + SPACING_MILLISECONDS - Date.now()));
  }

  async #load() {
    this.#read = Date.now();
    const resolution = this.#range.get() ?? RANGES[0][0];
    const { account } = this.#session.who.get();
    if (account === null) return;
    const curve = await read(`/equity?resolution=${resolution}`).catch(() => null);
    if (!curve || account !== this.#session.who.get().account) return;
    if (this.#range.get() === null) {
      const age = (Date.now() - Date.parse(curve.since ?? 0)) / 1000;
      const [fitting] = RANGES.find(([seconds]) => seconds * POINTS >= age) ?? RANGES.at(-1);
      this.#curve = curve;
      if (fitting !== resolution) return void this.#range.set(fitting);
      this.#range.set(fitting);
    }
    this.#curve = curve;
    // The last point is of now, and may be of the second in which the span before it has ended.
    const points = new Map();
    for (const [moment, equity, profit] of curve.points) {
      const time = Math.floor(moment);
      points.set(time, { time, equity: Number(equity), profit: Number(profit) });
    }
    this.#points = [...points.values()];
    this.#redraw();
  }

  /** The account's equity is another now. */
  #go(state) {
    if (!state || !this.#curve) return;
    const profit = minus(state.totalAccountValue, this.#curve.deposits);
    write(find("equity"), fixed(state.totalAccountValue, 2));
    find("equity").title = `${exact(state.totalAccountValue)} USD`;
    write(find("profit"), signed(profit, 2));
    find("profit").title = `${signedExact(profit)} USD since the start, after fees and funding`;
    dress(find("profit"), tone(Number(profit)));
    const share = Number(this.#curve.deposits) ? Number(profit) / Number(this.#curve.deposits) : null;
    write(find("profit-share"), share === null ? "" : percent(share));
    this.#add({ equity: Number(state.totalAccountValue), profit: Number(profit) });
  }

  #add(point) {
    const last = this.#points.at(-1);
    const time = Math.max(Math.floor(Date.now() / 1000), last?.time ?? 0);
    const before = this.#points.at(-2);
    if (last && (time === last.time || (before && time - before.time < this.#curve.resolution))) this.#points.pop();
    this.#points.push({ time, ...point });
    if (this.#points.length > MOST_POINTS) this.#points = this.#points.slice(-POINTS);
    this.#redraw();
  }

  #redraw() {
    if (!this.#chart || !this.#points.length) return;
    const kind = this.#kind.get();
    const base = kind === "profit" ? 0 : Number(this.#curve.deposits);
    this.#series.applyOptions({ baseValue: { type: "price", price: base } });
    this.#series.setData(this.#points.map((point) => ({ time: point.time, value: point[kind] })));
    this.#chart.timeScale().fitContent();
  }
}
