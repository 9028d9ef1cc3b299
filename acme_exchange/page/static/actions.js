// What can be done with an order or a position, each after it was confirmed.

import { ask, facts } from "./dialog.js";
import { exact } from "./numbers.js";
import { send } from "./requests.js";

/** `order` as the API tells it. */
export function cancelOrder(order) {
  ask({
    title: "Cancel this order?",
    body: [facts([[order.side, `${exact(order.remainingSize)} ${order.market}`], ["price", exact(order.price)]])],
    action: "Cancel the order",
    run: async () => {
      await send("DELETE", `/api/orders/${order.id}`);
      return `Cancelled: ${order.side} ${exact(order.remainingSize)} ${order.market} at ${exact(order.price)}`;
    },
  });
}

/** `count` orders rest. */
export function cancelAll(count) {
  ask({
    title: `Cancel all ${count} open orders?`,
    body: [facts([["orders", `${count}, of all markets`]])],
    action: "Cancel all",
    run: async () => {
      await send("DELETE", "/api/orders", {});
      return "All open orders were cancelled";
    },
  });
}

/** By a market order of the position's size, which can only reduce it. */
export function closePosition(position) {
  const side = position.side === "buy" ? "sell" : "buy";
  const size = String(position.size);
  const body = { market: position.future, side, type: "market", size, price: null, reduceOnly: true };
  if (position.positionSide !== "net") body.positionSide = position.positionSide;
  ask({
    title: "Close this position?",
    body: [
      facts([
        [position.side === "buy" ? "long" : "short", `${exact(position.size)} ${position.future}`],
        ["by", `a market order to ${side} ${exact(position.size)}`],
      ]),
    ],
    action: "Close the position",
    run: async () => {
      await send("POST", "/api/orders", body);
      return `Sent: ${side} ${exact(position.size)} ${position.future} at the market`;
    },
  });
}

/** `body` as `POST /orders` takes it; `pairs` say what it is. */
export function placeOrder(body, pairs) {
  ask({
    title: body.side === "buy" ? "Buy?" : "Sell?",
    body: [facts(pairs)],
    action: body.side === "buy" ? "Buy" : "Sell",
    run: async () => {
      const clientId = `page-${crypto.randomUUID?.() ?? Date.now()}`;
      const order = await send("POST", "/api/orders", { ...body, clientId });
      return `Accepted: ${order.side} ${exact(order.size)} ${order.market}`;
    },
  });
}

/** One for all markets of the account. */
export function setLeverage(leverage) {
  const input = Object.assign(document.createElement("input"), {
    type: "number",
    min: 1,
    max: 20,
    step: 1,
    required: true,
    value: leverage,
  });
  const label = document.createElement("label");
  label.append("Leverage, 1 to 20, of all markets", input);
  ask({
    title: "Change the leverage?",
    body: [label],
    action: "Change",
    run: async () => {
      await send("POST", "/api/account/leverage", { leverage: Number(input.value) });
      return `The leverage is ${input.value}× now`;
    },
  });
}
