// An order by hand: limit or market, post-only, reduce-only.

import { placeOrder } from "./actions.js";
import { choice, find, write } from "./elements.js";
import { notify } from "./notices.js";
import { decimalsOf, exact, fixed } from "./numbers.js";
import { Value } from "./value.js";

const SIDES = [
  ["buy", "Buy"],
  ["sell", "Sell"],
];
const TYPES = [
  ["limit", "Limit"],
  ["market", "Market"],
];
const POSITION_SIDES = [
  ["long", "Long"],
  ["short", "Short"],
];
const NUMBER = /^(\d+\.?\d*|\.\d+)$/;

export class OrderForm {
  #market;
  #account;
  #session;
  #side = new Value("buy");
  #type = new Value("limit");
  #positionSide = new Value("long");
  #form = find("order-form");

  constructor(market, account, session) {
    this.#market = market;
    this.#account = account;
    this.#session = session;
    choice(find("order-side"), SIDES, this.#side);
    choice(find("order-type"), TYPES, this.#type);
    choice(find("order-position-side"), POSITION_SIDES, this.#positionSide);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#form.addEventListener("input", () => this.draw());
    for (const value of [this.#side, this.#type, account.state, session.who, market.loaded]) {
      value.watch(() => this.draw());
    }
    market.picked.watch((price) => this.#pick(price));
    let shown = null;
    market.name.watch((name) => {
      if (shown !== null) this.#field("price").value = "";
      shown = name;
    });
  }

  draw() {
    const market = this.#market.current;
    if (!market) return;
    const isMarket = this.#type.get() === "market";
    const button = find("order-submit");
    find("order-price").hidden = isMarket;
    this.#field("postOnly").disabled = isMarket;
    find("order-position-side").hidden = this.#account.state.get()?.positionMode !== "hedge";
    const decimals = decimalsOf(market.priceIncrement);
    this.#field("price").placeholder = fixed(market.last ?? market.price, decimals);
    this.#field("size").placeholder = `at least ${exact(String(market.minProvideSize))}`;
    write(button, `${this.#side.get() === "buy" ? "Buy" : "Sell"} ${market.name}`);
    button.dataset.side = this.#side.get();
    button.disabled = !this.#session.mayAct;
    write(find("order-cost"), this.#cost());
  }

  #field(name) {
    return this.#form.elements[name];
  }

  #pick(price) {
    if (price === null) return;
    this.#field("price").value = price.toFixed(decimalsOf(this.#market.current.priceIncrement));
    this.draw();
  }

  #price() {
    const market = this.#market.current;
    return this.#type.get() === "market" ? Number(market.last ?? market.price) : Number(this.#field("price").value);
  }

  #cost() {
    const value = Number(this.#field("size").value) * this.#price();
    const leverage = this.#account.state.get()?.leverage;
    if (!value || !leverage) return "";
    return `${fixed(value, 2)} USD; margin ${fixed(value / leverage, 2)} USD at ${leverage}×`;
  }

  #submit() {
    const isMarket = this.#type.get() === "market";
    for (const name of isMarket ? ["size"] : ["price", "size"]) {
      const text = this.#field(name).value.trim();
      if (NUMBER.test(text) && Number(text) > 0) continue;
      const example = this.#field(name).placeholder.replace("at least ", "");
      notify(`Write a number above 0 as the ${name}, such as ${example}`, true);
      this.#field(name).focus();
      return;
    }
    const isHedged = this.#account.state.get()?.positionMode === "hedge";
    const body = {
      market: this.#market.name.get(),
      side: this.#side.get(),
      type: this.#type.get(),
      size: this.#field("size").value.trim().replace(/^\./, "0.").replace(/\.$/, ""),
      price: isMarket ? null : this.#field("price").value.trim().replace(/^\./, "0.").replace(/\.$/, ""),
      postOnly: !isMarket && this.#field("postOnly").checked,
      reduceOnly: this.#field("reduceOnly").checked,
      ...(isHedged && { positionSide: this.#positionSide.get() }),
    };
    placeOrder(body, described(body));
  }
}

function described(body) {
  const flags = [body.postOnly && "post-only", body.reduceOnly && "reduce-only", body.positionSide].filter(Boolean);
  return [
    [body.side, `${exact(body.size)} ${body.market}`],
    ["at", body.price === null ? "the market" : exact(body.price)],
    ...(flags.length ? [["only as", flags.join(", ")]] : []),
  ];
}
