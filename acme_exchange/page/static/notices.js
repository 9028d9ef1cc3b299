// What the page says of what was done, and of what was refused.

import { find, make } from "./elements.js";

const SHOWN_MILLISECONDS = 8_000;
const MOST = 4;

/** Shows a text for a while; what is `bad` stays until it is closed. */
export function notify(text, bad = false) {
  const list = find("notices");
  const notice = make("div", { className: bad ? "notice bad" : "notice" }, make("span", {}, text));
  const close = make(
    "button",
    { type: "button", className: "quiet icon", "aria-label": "Close", onclick: () => notice.remove() },
    "×",
  );
  notice.append(make("span", { className: "grow" }), close);
  list.append(notice);
  while (list.children.length > MOST) list.firstElementChild.remove();
  if (!bad) setTimeout(() => notice.remove(), SHOWN_MILLISECONDS);
}
