// The market that is shown: its channels, and the views that they fill.

import { Book } from "./book.js";
import { BookView } from "./book-view.js";
import { Candles, RESOLUTIONS } from "./candles.js";
import { choice, find, write } from "./elements.js";
import { HeadlineView } from "./headline-view.js";
import { MarketsView } from "./markets-view.js";
import { notify } from "./notices.js";
import { PriceChart } from "./price-chart.js";
import { read } from "./requests.js";
import { TradesView } from "./trades-view.js";
import { Value } from "./value.js";

const FUNDING_MILLISECONDS = 30_000;
const CHECK_MILLISECONDS = 1_000;
const ORIGIN_MILLISECONDS = 5_000;
const MOST_TRIES = 3;

export class Market {
  /** By name, as the channel `markets` tells them, with `funding`. */
  markets = new Map();
  /** The name of the one that is shown. */
  name;
  /** The price of a level of the book that was clicked on. */
  picked = new Value(null);
  /** Told when another market, or another length of candles, has been loaded. */
  loaded = new Value(0);
  candles = null;
  book = new Book();
  #channels;
  #frames;
  #funding = null;
  #last = null;
  #ends = [];
  #resolution = new Value(Number(localStorage.getItem("resolution")) || 60);
  #offset;

  /** `offset`: by how many milliseconds the venue's clock is ahead of this one. */
  constructor(channels, frames, offset) {
    this.#channels = channels;
    this.#frames = frames;
    this.#offset = offset;
    this.name = new Value(new URLSearchParams(location.search).get("market") ?? localStorage.getItem("market"));
    this.chart = new PriceChart(() => this.#loadOlder());
    this.bookView = new BookView((price) => this.picked.set(price));
    this.#views = { list: new MarketsView(this.name), headline: new HeadlineView(), trades: new TradesView() };
    choice(find("resolutions"), RESOLUTIONS, this.#resolution);
    channels.subscribe("markets", null, (data) => this.#know(data.data));
    channels.state.watch((state) => state === "live" && this.#again());
    setInterval(() => this.#tick(), 1_000);
    setInterval(() => this.#readFunding(), FUNDING_MILLISECONDS);
    setInterval(() => this.#check(), CHECK_MILLISECONDS);
  }

  #views;

  /** The market that is shown; undefined before anything is known. */
  get current() {
    return this.markets.get(this.name.get());
  }

  get resolution() {
    return this.#resolution.get();
  }

  /** The mark of the market that is shown. */
  get mark() {
    return this.#funding?.mark;
  }

  /** The venue's time, in milliseconds. */
  now() {
    return Date.now() + this.#offset;
  }

  #know(markets) {
    const isFirst = this.markets.size === 0;
    for (const [name, market] of Object.entries(markets)) {
      this.markets.set(name, { ...market, funding: this.markets.get(name)?.funding });
    }
    if (isFirst) this.#begin();
    this.#frames.request(this.#drawList);
  }

  #begin() {
    const names = [...this.markets.values()].filter((market) => market.enabled).map((market) => market.name);
    if (!names.includes(this.name.get())) this.name.set(names[0]);
    this.name.watch((name) => this.#show(name));
    this.#resolution.watch((resolution) => {
      localStorage.setItem("resolution", resolution);
      this.#loadCandles();
    });
    this.#readFunding();
  }

  #show(name) {
    localStorage.setItem("market", name);
    for (const end of this.#ends) end();
    this.#funding = null;
    this.#last = null;
    this.book.clear();
    this.bookView.show(this.current, this.book);
    this.#views.trades.show(this.current);
    this.#loadTrades();
    this.#loadCandles();
    this.#readOrigin();
    const listen = (channel, listener) => this.#channels.subscribe(channel, name, listener);
    this.#ends = [
      listen("orderbook", (data) => {
        this.book.apply(data);
        this.#frames.request(this.#drawBook);
      }),
      listen("trades", (data) => this.#take(data)),
    ];
    if (this.current.type === "future") {
      this.#ends.push(
        listen("funding", (data) => {
          this.#funding = data;
          this.#offset = Date.parse(data.time) - Date.now();
          this.#frames.request(this.#drawHeadline);
        }),
      );
    }
    this.#frames.request(this.#drawList);
  }

  #take(trades) {
    this.#last = trades.at(-1).price;
    this.#hasTraded = true;
    this.#views.trades.add(trades);
    for (const trade of trades) this.candles?.trade(trade);
    this.#frames.request(this.#drawTrades);
  }

  /** After a reconnection, what was missed is asked for. */
  #again() {
    if (this.markets.size === 0) return;
    this.#loadTrades();
    this.#loadCandles(false);
    this.#readFunding();
  }

  async #loadTrades() {
    const name = this.name.get();
    const trades = await read(`/api/markets/${encodeURIComponent(name)}/trades?limit=50`).catch(say);
    if (!trades || name !== this.name.get()) return;
    this.#views.trades.add(trades);
    this.#frames.request(this.#drawTrades);
  }

  /** `isOther`: another market or another length, so that the chart goes to its end. */
  async #loadCandles(isOther = true) {
    const candles = new Candles(this.name.get(), this.resolution, (checked) => {
      if (checked === this.candles) this.#frames.request(this.#replaceCandles);
    });
    if (isOther) this.candles = null;
    this.#loading = candles;
    await this.#loadWhole(candles).catch(say);
    if (this.#loading !== candles) return;
    this.candles = candles;
    if (isOther) this.chart.show(this.current, this.resolution, candles.list);
    else this.chart.replace(candles.list);
    this.loaded.set(this.loaded.get() + 1);
  }

  #loading = null;
  #hasTraded = false;

  /** A trade that came while the candles were on their way may be in them, or not: then they are asked for again. */
  async #loadWhole(candles, tries = MOST_TRIES) {
    this.#hasTraded = false;
    await candles.load(this.now());
    if (this.#hasTraded && tries > 1 && this.#loading === candles) await this.#loadWhole(candles, tries - 1);
  }

  async #loadOlder() {
    const candles = this.candles;
    if (!candles || !(await candles.loadOlder().catch(say)) || candles !== this.candles) return;
    this.#frames.request(this.#replaceCandles);
    this.loaded.set(this.loaded.get() + 1);
  }

  /** Whose prices they are, where they are not simulated, and how old. */
  async #readOrigin() {
    const name = this.name.get();
    clearTimeout(this.#origin);
    const text = await read(`/origin?market=${encodeURIComponent(name)}`).catch(() => null);
    if (name !== this.name.get()) return;
    write(find("source"), text ?? "");
    if (text) this.#origin = setTimeout(() => this.#readOrigin(), ORIGIN_MILLISECONDS);
  }

  #origin = 0;

  async #readFunding() {
    const futures = await read("/api/futures").catch(() => []);
    for (const future of futures) {
      const market = this.markets.get(future.name);
      if (market) market.funding = future.nextFundingRate;
    }
    this.#frames.request(this.#drawList);
  }

  #tick() {
    if (this.current) this.#frames.request(this.#drawHeadline);
    if (this.candles?.reach(this.now())) this.#frames.request(this.#drawTrades);
    if (this.candles?.shorten()) this.#frames.request(this.#replaceCandles);
  }

  /** A book that is not what the venue's is, is asked for anew. */
  #check() {
    if (document.hidden || this.book.isTrue()) return;
    this.book.clear();
    this.#channels.renew("orderbook", this.name.get());
  }

  #drawList = () => this.#views.list.draw(this.markets);
  #drawBook = () => this.bookView.draw();
  #drawHeadline = () => this.#views.headline.draw(this.current, this.#funding, this.#last, this.now());
  #drawTrades = () => {
    this.#views.trades.draw();
    if (this.candles) this.chart.update(this.candles.list);
    this.#drawHeadline();
  };
  #replaceCandles = () => this.candles && this.chart.replace(this.candles.list);
}

function say(refusal) {
  notify(refusal.message, true);
}
