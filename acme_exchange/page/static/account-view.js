// What the account amounts to: balance, margin, leverage, fees.

import { setLeverage } from "./actions.js";
import { find, make, write } from "./elements.js";
import { exact, fixed } from "./numbers.js";

const FACTS = {
  balance: "balance",
  free: "free",
  margin: "margin used",
  share: "margin fraction",
  leverage: "leverage",
  fees: "maker, taker fee",
};

export class AccountView {
  #facts = {};

  constructor(account, session, frames) {
    const list = find("account-facts");
    for (const [name, text] of Object.entries(FACTS)) {
      this.#facts[name] = make("dd", { id: `account-${name}` }, "–");
      list.append(make("div", {}, make("dt", {}, text), this.#facts[name]));
    }
    const change = make("button", { type: "button", className: "small", "aria-label": "Change the leverage" }, "–");
    change.onclick = () => setLeverage(account.state.get()?.leverage);
    this.#facts.leverage.replaceChildren(change);
    const draw = () => this.#draw(account.state.get(), change, session.mayAct);
    account.state.watch(() => frames.request(draw));
    session.who.watch(({ account: name }) => {
      for (const part of document.querySelectorAll("[data-signed-in]")) part.hidden = name === null;
      for (const part of document.querySelectorAll("[data-signed-out]")) part.hidden = name !== null;
    });
  }

  #draw(state, change, mayAct) {
    if (!state) return;
    write(this.#facts.balance, fixed(state.collateral, 2));
    this.#facts.balance.title = exact(state.collateral);
    write(this.#facts.free, fixed(state.freeCollateral, 2));
    write(this.#facts.margin, fixed(marginUsed(state), 2));
    write(this.#facts.share, state.marginFraction === null ? "–" : `${fixed(state.marginFraction * 100, 2)} %`);
    write(change, `${state.leverage}×`);
    change.disabled = !mayAct;
    write(this.#facts.fees, `${exact(percentOf(state.makerFee))}, ${exact(percentOf(state.takerFee))} %`);
  }
}

/** Of positions and open orders. */
function marginUsed(state) {
  return state.positions.reduce((sum, position) => sum + Number(position.collateralUsed), 0);
}

function percentOf(fraction) {
  return Number((fraction * 100).toPrecision(12));
}
