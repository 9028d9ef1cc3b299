// What the account has now: positions and open orders, and what can be done with them.

import { cancelAll, cancelOrder, closePosition } from "./actions.js";
import { find, write } from "./elements.js";
import { decimalsOf, exact, fixed, signed, signedExact, timeOf, tone } from "./numbers.js";
import { Table } from "./table.js";

const long = (position) => position.side === "buy";
const ofSide = (order) => (order.side === "buy" ? "up" : "down");

export class HoldingsView {
  #positions;
  #orders;

  constructor(account, session, frames, market) {
    const isOff = () => !session.mayAct;
    this.#positions = new Table("Positions", positionColumns(isOff, market), "No open position");
    this.#orders = new Table("Open orders", orderColumns(isOff), "No open order");
    find("panel-positions").append(this.#positions.element);
    find("panel-orders").append(this.#orders.element);
    find("cancel-all").onclick = () => cancelAll(account.orders.get().size);
    const drawPositions = () => this.#drawPositions(account.state.get());
    const drawOrders = () => this.#drawOrders(account.orders.get(), isOff());
    account.state.watch(() => frames.request(drawPositions));
    account.orders.watch(() => frames.request(drawOrders));
  }

  #drawPositions(state) {
    const open = (state?.positions ?? []).filter((position) => Number(position.size));
    write(find("count-positions"), open.length ? String(open.length) : "");
    this.#positions.draw(new Map(open.map((position) => [`${position.future} ${position.positionSide}`, position])));
  }

  #drawOrders(orders, isOff) {
    write(find("count-orders"), orders.size ? String(orders.size) : "");
    find("cancel-all").disabled = isOff || orders.size === 0;
    this.#orders.draw(new Map([...orders].toSorted(([one], [other]) => other - one)));
  }
}

function positionColumns(isOff, market) {
  const price = (position, number) =>
    fixed(number, decimalsOf(market.markets.get(position.future)?.priceIncrement ?? 0.01));
  return [
    { name: "market", text: (position) => position.future },
    {
      name: "side",
      text: (position) => (long(position) ? "long" : "short"),
      tone: (position) => (long(position) ? "up" : "down"),
    },
    { name: "size", text: (position) => exact(position.size) },
    { name: "entry", text: (position) => price(position, position.entryPrice) },
    { name: "mark", text: (position) => price(position, markOf(position)) },
    { name: "liquidation", text: (position) => price(position, position.estimatedLiquidationPrice) },
    { name: "margin", text: (position) => fixed(position.collateralUsed, 2) },
    {
      name: "unrealised",
      text: (position) => signed(position.unrealizedPnl, 4),
      full: (position) => signedExact(position.unrealizedPnl),
      tone: (position) => tone(Number(position.unrealizedPnl)),
    },
    {
      name: "realised",
      text: (position) => signed(position.realizedPnl, 4),
      full: (position) => signedExact(position.realizedPnl),
      tone: (position) => tone(Number(position.realizedPnl)),
    },
    {
      name: "",
      button: "Close",
      label: (position) => `Close the position in ${position.future}`,
      press: closePosition,
      isOff,
    },
  ];
}

/** At which the venue values it. */
function markOf(position) {
  return (Number(position.cost) + Number(position.unrealizedPnl)) / Number(position.netSize);
}

function orderColumns(isOff) {
  const kind = (order) =>
    [order.type, order.postOnly && "post-only", order.reduceOnly && "reduce-only", order.positionSide]
      .filter(Boolean)
      .join(", ");
  return [
    { name: "time", text: (order) => timeOf(order.createdAt) },
    { name: "market", text: (order) => order.market },
    { name: "side", text: (order) => order.side, tone: ofSide },
    { name: "kind", text: kind },
    { name: "price", text: (order) => exact(order.price) },
    { name: "size", text: (order) => exact(order.size) },
    { name: "filled", text: (order) => exact(order.filledSize) },
    { name: "", button: "Cancel", label: (order) => `Cancel order ${order.id}`, press: cancelOrder, isOff },
  ];
}
