// What is true of a market now: its price, mark and index, and when funding is paid, at which rate.

import { dress, find, make, write } from "./elements.js";
import { compact, countdown, decimalsOf, fixed, percent, tone } from "./numbers.js";

const FACTS = {
  mark: "mark",
  index: "index",
  funding: "funding rate",
  time: "next funding in",
  volume: "24 h volume, USD",
  interest: "open interest",
};

export class HeadlineView {
  #price = find("price");
  #change = find("change");
  #facts = {};

  constructor() {
    const list = find("facts");
    for (const [name, text] of Object.entries(FACTS)) {
      this.#facts[name] = make("dd", { id: `fact-${name}` }, "–");
      list.append(make("div", {}, make("dt", {}, text), this.#facts[name]));
    }
  }

  /** `funding` is the channel's latest of the market, or null; `now` the venue's time in milliseconds. */
  draw(market, funding, last, now) {
    const decimals = decimalsOf(market.priceIncrement);
    write(this.#price, fixed(last ?? market.last ?? market.price, decimals));
    write(this.#change, percent(market.change24h));
    dress(this.#change, `change ${tone(market.change24h)}`);
    write(this.#facts.mark, fixed(funding?.mark, decimals));
    write(this.#facts.index, fixed(funding?.index, decimals));
    write(this.#facts.funding, percent(funding?.nextFundingRate, 4));
    write(this.#facts.time, funding?.nextFundingTime ? countdown(Date.parse(funding.nextFundingTime) - now) : "–");
    write(this.#facts.volume, compact(market.volumeUsd24h));
    write(this.#facts.interest, compact(funding?.openInterest));
    document.title = `${this.#price.textContent} ${market.name} · Acme`;
  }
}
