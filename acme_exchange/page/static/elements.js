// Makes and changes elements; text is always text, whatever it holds.

/** An element with properties, such as `className` or `onclick`, and children: elements, or text. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [property, value] of Object.entries(properties)) {
    if (property.startsWith("aria-") || property === "role" || property === "scope") {
      element.setAttribute(property, value);
    } else {
      element[property] = value;
    }
  }
  element.append(...children);
  return element;
}

export function find(id) {
  return document.getElementById(id);
}

/** Changes the text, where it is another; the node that holds it stays. */
export function write(element, text) {
  const node = element.firstChild;
  if (!(node instanceof Text) || node.nextSibling) element.textContent = text;
  else if (node.data !== text) node.data = text;
}

/** Changes the class, where it is another. */
export function dress(element, className) {
  if (element.className !== className) element.className = className;
}

/** As many rows as `count`, each with `columns` cells, in a table's body; those that are there stay. */
export function rows(body, count, columns) {
  while (body.rows.length > count) body.deleteRow(-1);
  while (body.rows.length < count) {
    const row = body.insertRow();
    for (let column = 0; column < columns; column += 1) row.insertCell();
  }
  return body.rows;
}

/** Lets the arrow keys move within a group of buttons of which one is chosen, as a radio group or tabs do. */
export function withArrows(group) {
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const buttons = [...group.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next.focus();
    next.click();
  });
}

/**
 * Buttons of which one is chosen. `choices` are pairs of value and text; `state` is "aria-checked" or "aria-selected".
 */
export function choice(group, choices, value, state = "aria-checked") {
  const role = state === "aria-checked" ? "radio" : "tab";
  for (const [chosen, text] of choices) {
    const button = make("button", { type: "button", role, onclick: () => value.set(chosen) }, text);
    button.dataset.value = chosen;
    group.append(button);
  }
  withArrows(group);
  value.watch((current) => {
    for (const button of group.children) {
      const isChosen = button.dataset.value === String(current);
      button.setAttribute(state, String(isChosen));
      button.tabIndex = isChosen ? 0 : -1;
    }
  });
}
