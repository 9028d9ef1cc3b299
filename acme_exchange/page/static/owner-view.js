// What the venue's owner sees: all accounts, which bots are connected, and the faults that are on.

import { find, write } from "./elements.js";
import { dayAndTime, exact, fixed, signed, tone } from "./numbers.js";
import { read } from "./requests.js";
import { Table } from "./table.js";

const POLL_MILLISECONDS = 2_000;

export class OwnerView {
  #session;
  #accounts = new Table("Accounts", accountColumns(), "There is no account; acme-exchange account create opens one");
  #faults = new Table("Faults", faultColumns(), "No faults are on");
  #timer = 0;

  constructor(session) {
    this.#session = session;
    find("owner-accounts").append(this.#accounts.element);
    find("owner-faults").append(this.#faults.element);
    session.who.watch(({ owner }) => {
      find("owner").hidden = !owner;
      clearInterval(this.#timer);
      if (!owner) return;
      this.#read();
      this.#timer = setInterval(() => document.hidden || this.#read(), POLL_MILLISECONDS);
    });
  }

  async #read() {
    try {
      const { accounts, faults } = await read("/owner");
      const bots = accounts.reduce((sum, account) => sum + account.bots, 0);
      const counts = [[accounts.length, "account"], [bots, "connected bot"], [faults.length, "fault"]];
      write(find("owner-summary"), counts.map(([count, what]) => counted(count, what)).join(", "));
      this.#accounts.draw(new Map(accounts.map((account) => [account.name, account])));
      this.#faults.draw(new Map(faults.map((fault) => [fault.id, fault])));
    } catch (refusal) {
      if (refusal.status === 401) this.#session.check();
    }
  }
}

function accountColumns() {
  const positions = (account) =>
    account.positions.map(({ market, size }) => `${exact(size)} ${market}`).join(", ") || "flat";
  return [
    { name: "account", text: (account) => account.name },
    { name: "equity", text: (account) => fixed(account.equity, 2) },
    {
      name: "profit",
      text: (account) => signed(account.profit, 2),
      tone: (account) => tone(Number(account.profit)),
    },
    { name: "positions", text: positions },
    { name: "open orders", text: (account) => String(account.orders) },
    { name: "last activity", text: (account) => (account.latest ? dayAndTime(account.latest) : "never") },
    { name: "bots", text: (account) => String(account.bots) },
    { name: "browsers", text: (account) => String(account.browsers) },
  ];
}

function faultColumns() {
  const narrowed = (fault) =>
    [fault.method, fault.path, fault.channel, fault.seconds !== null && `${fault.seconds} s`].filter(Boolean).join(" ");
  return [
    { name: "fault", text: (fault) => fault.name },
    { name: "rate", text: (fault) => exact(fault.rate) },
    { name: "of", text: narrowed },
    { name: "struck", text: (fault) => `${fault.struck} of ${fault.seen}` },
  ];
}

function counted(number, thing) {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}
