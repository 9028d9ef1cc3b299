// The list of markets, and the choice of one.

import { dress, find, make, rows, write } from "./elements.js";
import { compact, decimalsOf, fixed, percent, tone } from "./numbers.js";

export class MarketsView {
  #body = find("markets").tBodies[0];
  #select = find("market");
  #chosen;

  /** `chosen` holds the name of the market that is shown. */
  constructor(chosen) {
    this.#chosen = chosen;
    this.#select.onchange = () => chosen.set(this.#select.value);
    this.#body.addEventListener("click", (event) => {
      const row = event.target.closest("tr");
      if (row) chosen.set(row.dataset.name);
    });
  }

  /** `markets` by name, each with `funding` where it has one. */
  draw(markets) {
    const shown = [...markets.values()].filter((market) => market.enabled);
    this.#drawChoice(shown);
    const lines = rows(this.#body, shown.length, 4);
    shown.forEach((market, at) => {
      const row = lines[at];
      const [name, price, change, funding] = row.cells;
      if (row.dataset.name !== market.name) {
        row.dataset.name = market.name;
        name.replaceChildren(make("button", { type: "button" }, market.name));
      }
      if (market.name === this.#chosen.get()) row.dataset.current = "";
      else delete row.dataset.current;
      row.title = `traded within 24 hours: ${compact(market.volumeUsd24h)} USD`;
      write(price, fixed(market.price, decimalsOf(market.priceIncrement)));
      write(change, percent(market.change24h));
      dress(change, tone(market.change24h));
      write(funding, market.funding === undefined || market.funding === null ? "" : percent(market.funding, 4));
    });
  }

  #drawChoice(markets) {
    const names = markets.map((market) => market.name);
    const isDrawn = [...this.#select.options].map((option) => option.value).join(" ") === names.join(" ");
    if (!isDrawn) this.#select.replaceChildren(...names.map((name) => make("option", { value: name }, name)));
    this.#select.value = this.#chosen.get();
  }
}
