// Panels of which one is seen.

import { choice, find } from "./elements.js";
import { Value } from "./value.js";

/** `tabs` are pairs of name and text; `seen` is called with the name of the panel that is seen now. */
export function tabs(list, names, seen) {
  const current = new Value(names[0][0]);
  choice(list, names, current, "aria-selected");
  for (const button of list.children) {
    const name = button.dataset.value;
    button.id = `tab-${name}`;
    button.setAttribute("aria-controls", `panel-${name}`);
    const count = document.createElement("span");
    count.id = `count-${name}`;
    count.className = "count";
    button.append(" ", count);
    const panel = find(`panel-${name}`);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", button.id);
  }
  current.watch((name) => {
    for (const [other] of names) find(`panel-${other}`).hidden = other !== name;
    seen(name);
  });
}
