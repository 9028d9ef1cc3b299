// Tables of an account: columns that say how a record is shown, and rows that stay while their record does.

import { dress, make, write } from "./elements.js";

/** A table's head and body; `columns` are `{name, text, full?, tone?, button?}`, `full` for whoever points at it. */
export class Table {
  #columns;
  #body = make("tbody");
  #rows = new Map();
  element;
  #empty;

  constructor(label, columns, empty) {
    this.#columns = columns;
    const heads = columns.map(({ name }) =>
      make("th", { scope: "col" }, name || make("span", { className: "unseen" }, "action")),
    );
    const table = make("table", { className: "list", "aria-label": label });
    table.append(make("thead", {}, make("tr", {}, ...heads)), this.#body);
    this.#empty = make("p", { className: "empty muted" }, empty);
    this.element = make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": label });
    this.element.append(table, this.#empty);
  }

  /** Shows records by their key, in their order. */
  draw(records) {
    this.#empty.hidden = records.size > 0;
    for (const [key, row] of this.#rows) {
      if (records.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    let before = null;
    for (const [key, record] of records) {
      const row = this.#rows.get(key) ?? this.#make(key);
      this.#fill(row, record);
      const place = before ? before.nextSibling : this.#body.firstChild;
      if (row !== place) this.#body.insertBefore(row, place);
      before = row;
    }
  }

  #make(key) {
    const row = make("tr", {}, ...this.#columns.map(() => make("td")));
    this.#rows.set(key, row);
    return row;
  }

  #fill(row, record) {
    row.record = record;
    this.#columns.forEach((column, at) => {
      const cell = row.cells[at];
      if (column.button) {
        if (!cell.firstChild) cell.append(this.#button(column, row));
        cell.firstChild.disabled = column.isOff?.() ?? false;
        return;
      }
      tell(cell, column, record);
    });
  }

  #button(column, row) {
    const press = () => column.press(row.record);
    const label = column.label(row.record);
    return make("button", { type: "button", className: "small", "aria-label": label, onclick: press }, column.button);
  }
}

function tell(cell, { text, full, tone }, record) {
  write(cell, text(record));
  const title = full?.(record) ?? "";
  if (cell.title !== title) cell.title = title;
  dress(cell, tone?.(record) ?? "");
}
