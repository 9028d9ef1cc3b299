// A table of the past: the latest records, and older ones when they are asked for.

import { make } from "./elements.js";
import { notify } from "./notices.js";
import { Table } from "./table.js";

const PAGE = 60;
const LARGEST_PAGE = 1_000;
const MOST = 2_000;

export class PagedTable {
  element = make("div", { className: "paged" });
  #table;
  #source;
  #records = [];
  #older = make("button", { type: "button", className: "small", onclick: () => this.#loadOlder() }, "Older");
  #isWanted = false;

  /**
   * `source`: `load(limit, end)` returns records, the newest first, up to a time in seconds; `key` and `time` of one.
   */
  constructor(label, columns, empty, source) {
    this.#table = new Table(label, columns, empty);
    this.#source = source;
    this.#older.hidden = true;
    this.element.append(this.#table.element, this.#older);
  }

  /** Forgets what was shown, of another account. */
  clear() {
    this.#records = [];
    this.#older.hidden = true;
    this.#draw();
  }

  /** Reads the latest records, where the table is seen. */
  async refresh() {
    if (this.element.hidden || this.element.closest("[hidden]") || this.#isWanted) return;
    this.#isWanted = true;
    const latest = await this.#load(PAGE);
    this.#isWanted = false;
    if (!latest) return;
    const isFirst = this.#records.length === 0;
    const { key, time } = this.#source;
    const oldest = latest.length ? time(latest.at(-1)) : "";
    const known = new Set(latest.map(key));
    const before = this.#records.filter((record) => time(record) <= oldest && !known.has(key(record)));
    this.#records = [...latest, ...before].slice(0, MOST);
    if (isFirst) this.#older.hidden = latest.length < PAGE;
    this.#draw();
  }

  async #loadOlder(limit = PAGE) {
    const last = this.#records.at(-1);
    const found = last && (await this.#load(limit, this.#source.time(last)));
    if (!found) return;
    const known = new Set(this.#records.map(this.#source.key));
    const added = found.filter((record) => !known.has(this.#source.key(record)));
    // A page may hold nothing but what was made at one moment.
    if (!added.length && found.length >= limit && limit < LARGEST_PAGE) return void this.#loadOlder(LARGEST_PAGE);
    this.#records = [...this.#records, ...added];
    this.#older.hidden = found.length < limit || this.#records.length >= MOST;
    this.#draw();
  }

  async #load(limit, end) {
    try {
      return await this.#source.load(limit, end === undefined ? "" : `&end_time=${seconds(end)}`);
    } catch (refusal) {
      if (refusal.status !== 401) notify(refusal.message, true);
      return null;
    }
  }

  #draw() {
    this.#source.shown?.(this.#records);
    this.#table.draw(new Map(this.#records.map((record) => [this.#source.key(record), record])));
  }
}

/** Epoch seconds of an ISO time, to its last microsecond. */
function seconds(iso) {
  return `${Math.floor(Date.parse(iso) / 1000)}.${iso.slice(20, 26)}`;
}
