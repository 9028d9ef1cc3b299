// What was: orders, fills, funding payments, and the ledger that they make.

import { minus } from "./decimal.js";
import { find } from "./elements.js";
import { dayAndTime, exact, signed, signedExact, tone } from "./numbers.js";
import { PagedTable } from "./paged-table.js";
import { read } from "./requests.js";

const ofSide = ({ side }) => (side === "buy" ? "up" : side === "sell" ? "down" : "");
const time = { name: "time", text: (record) => dayAndTime(record.time ?? record.createdAt) };
const market = { name: "market", text: (record) => record.market ?? record.future ?? "" };
const side = { name: "side", text: (record) => record.side ?? "", tone: ofSide };
const amount = (name, field) => ({
  name,
  text: (record) => (Number(record[field]) ? signedExact(record[field]) : ""),
  tone: (record) => tone(Number(record[field])),
});
const plain = (name, field) => ({ name, text: (record) => (record[field] === null ? "" : exact(record[field])) });

export class HistoryView {
  #tables;

  constructor(account, session) {
    this.#tables = { history: orders(), fills: fills(), funding: funding(), ledger: ledger() };
    for (const [name, table] of Object.entries(this.#tables)) find(`panel-${name}`).append(table.element);
    session.who.watch(() => Object.values(this.#tables).forEach((table) => table.clear()));
    account.past.watch(() => this.refresh());
  }

  /** Reads the latest of the table that is seen. */
  refresh() {
    for (const table of Object.values(this.#tables)) table.refresh();
  }
}

function orders() {
  const outcome = (order) => {
    if (order.status !== "closed") return order.status;
    if (Number(order.filledSize) === Number(order.size)) return "filled";
    return Number(order.filledSize) ? "partly filled" : "cancelled";
  };
  const columns = [
    time,
    market,
    side,
    { name: "kind", text: (order) => [order.type, order.liquidation && "liquidation"].filter(Boolean).join(", ") },
    plain("price", "price"),
    plain("size", "size"),
    plain("filled", "filledSize"),
    plain("average", "avgFillPrice"),
    { name: "outcome", text: outcome },
  ];
  return new PagedTable("Order history", columns, "No orders yet", {
    load: (limit, end) => read(`/api/orders/history?limit=${limit}${end}`),
    key: (order) => order.id,
    time: (order) => order.createdAt,
  });
}

function fills() {
  const columns = [
    time,
    market,
    side,
    plain("price", "price"),
    plain("size", "size"),
    { name: "role", text: (fill) => (fill.type === "liquidation" ? "liquidation" : fill.liquidity) },
    plain("fee", "fee"),
    amount("realised", "profit"),
  ];
  return new PagedTable("Fills", columns, "No fills yet", {
    load: (limit, end) => read(`/fills?limit=${limit}${end}`),
    key: (fill) => fill.id,
    time: (fill) => fill.time,
  });
}

function funding() {
  const received = (payment) => minus("0", payment.payment);
  const columns = [
    time,
    market,
    { name: "rate", text: (payment) => `${signed(payment.rate * 100, 6)} %` },
    {
      name: "received",
      text: (payment) => signedExact(received(payment)),
      tone: (payment) => tone(Number(received(payment))),
    },
  ];
  return new PagedTable("Funding payments", columns, "No funding payments yet", {
    load: async (limit, end) => (await read(`/api/funding_payments?limit=${limit}${end}`)).slice(0, limit),
    key: (payment) => payment.id,
    time: (payment) => payment.time,
  });
}

/** Each line has the balance after it, reckoned back from the one now. */
function ledger() {
  let balance = null;
  const columns = [
    time,
    { name: "what", text: (entry) => entry.kind },
    market,
    side,
    plain("size", "size"),
    plain("price", "price"),
    amount("profit", "profit"),
    { name: "fee", text: (entry) => (Number(entry.fee) ? exact(entry.fee) : "") },
    amount("funding", "funding"),
    amount("amount", "amount"),
    { name: "balance", text: (entry) => exact(entry.balance) },
  ];
  return new PagedTable("Ledger", columns, "Nothing yet", {
    load: async (limit, end) => {
      const page = await read(`/ledger?limit=${limit}${end}`);
      if (!end) balance = page.balance;
      const keyAt = (at) => `${page.entries[at].time} ${page.entries[at].kind} ${keyOf(page.entries, at)}`;
      return page.entries.map((entry, at) => ({ ...entry, key: keyAt(at) }));
    },
    key: (entry) => entry.key,
    time: (entry) => entry.time,
    shown: (entries) => {
      let after = balance;
      for (const entry of entries) {
        entry.balance = after;
        after = minus(after, entry.amount);
      }
    },
  });
}

/** Which of the entries of its moment it is, counted from the first. */
function keyOf(entries, at) {
  let later = at;
  while (later + 1 < entries.length && entries[later + 1].time === entries[at].time) later += 1;
  return later - at;
}
