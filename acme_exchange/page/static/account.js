// The account that is signed in: what it has now, its open orders, and its latest fills.

import { read } from "./requests.js";
import { Value } from "./value.js";

const POLL_MILLISECONDS = 1_000;
const SOON_MILLISECONDS = 250;
const ORDERS_MILLISECONDS = 30_000;
const FILLS = 1_000;

export class Account {
  /** As the API tells it; null while nobody is signed in, and until it is known. */
  state = new Value(null);
  /** The open orders, by id. */
  orders = new Value(new Map());
  /** The latest fills, the newest first, with what they realized. */
  fills = new Value([]);
  /** Counts what has changed in the past: orders, fills, funding, deposits. */
  past = new Value(0);
  #channels;
  #session;
  #ends = [];
  #timers = [];
  #soon = 0;
  #isReading = false;
  #total = null;

  constructor(channels, session) {
    this.#channels = channels;
    this.#session = session;
    session.who.watch(({ account }) => (account === null ? this.#leave() : this.#enter()));
    channels.state.watch((state) => state === "live" && this.#isSignedIn && this.#readAll());
  }

  get #isSignedIn() {
    return this.#session.who.get().account !== null;
  }

  /** Reads what the account has as soon as what is being done is done. */
  readSoon() {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.#readState(), SOON_MILLISECONDS);
  }

  #enter() {
    this.#leave();
    const listen = (channel, listener) => this.#channels.subscribe(channel, null, listener);
    this.#ends = [
      listen("orders", (order) => this.#takeOrder(order)),
      listen("fills", () => this.#later()),
      listen("positions", () => this.readSoon()),
      listen("balances", (balance) => this.#takeBalance(balance)),
    ];
    this.#timers = [
      setInterval(() => document.hidden || this.#readState(), POLL_MILLISECONDS),
      setInterval(() => document.hidden || this.#readOrders(), ORDERS_MILLISECONDS),
    ];
    this.#channels.reconnect();
  }

  #leave() {
    for (const end of this.#ends) end();
    for (const timer of this.#timers) clearInterval(timer);
    const wasSignedIn = this.#ends.length > 0;
    this.#ends = [];
    this.#timers = [];
    this.#total = null;
    this.state.set(null);
    this.orders.set(new Map());
    this.fills.set([]);
    if (wasSignedIn) this.#channels.reconnect();
  }

  /** The connection is new, perhaps because the session has ended. */
  async #readAll() {
    await this.#session.check();
    if (!this.#isSignedIn) return;
    this.#readState();
    this.#readOrders();
    this.#readFills();
    this.past.set(this.past.get() + 1);
  }

  async #asked(path) {
    const { account } = this.#session.who.get();
    if (account === null || this.#channels.state.get() !== "live") return null;
    try {
      const result = await read(path);
      return account === this.#session.who.get().account ? result : null;
    } catch (refusal) {
      if (refusal.status === 401) this.#session.check();
      return null;
    }
  }

  async #readState() {
    if (this.#isReading) return;
    this.#isReading = true;
    const state = await this.#asked("/api/account");
    this.#isReading = false;
    if (state) this.state.set(state);
  }

  async #readOrders() {
    const orders = await this.#asked("/api/orders");
    if (orders) this.orders.set(new Map(orders.map((order) => [order.id, order])));
  }

  async #readFills() {
    const fills = await this.#asked(`/fills?limit=${FILLS}`);
    if (fills) this.fills.set(fills);
  }

  #takeOrder(order) {
    const orders = this.orders.get();
    if (order.status === "closed") orders.delete(order.id);
    else orders.set(order.id, order);
    this.orders.tell();
    this.#moved();
  }

  #takeBalance(balance) {
    if (balance.total === this.#total) return;
    this.#total = balance.total;
    this.#moved();
  }

  #isLate = false;

  /** Fills come in swarms, and are read together. */
  #later() {
    this.readSoon();
    if (this.#isLate) return;
    this.#isLate = true;
    setTimeout(async () => {
      this.#isLate = false;
      const known = this.fills.get();
      const since = known.length ? `&start_time=${Math.floor(Date.parse(known[0].time) / 1000)}` : "";
      const fresh = await this.#asked(`/fills?limit=${FILLS}${since}`);
      const ids = new Set(known.map((fill) => fill.id));
      const added = (fresh ?? []).filter((fill) => !ids.has(fill.id));
      if (added.length) this.fills.set([...added, ...known].slice(0, FILLS));
    }, 2 * SOON_MILLISECONDS);
  }

  #isTold = false;

  #moved() {
    if (this.#isTold) return;
    this.#isTold = true;
    setTimeout(() => {
      this.#isTold = false;
      this.past.set(this.past.get() + 1);
    }, POLL_MILLISECONDS);
  }
}
