// Asks before something is done, and shows the venue's words where it refuses.

import { make, write } from "./elements.js";
import { notify } from "./notices.js";

/**
 * Opens a dialog.
 *
 * `title`, `body` (elements), `action` (the button's text), `run` (what it does, and returns a text of what was done).
 * A refusal is shown in the dialog, which then stays.
 */
export function ask({ title, body, action, run }) {
  const refusal = make("p", { className: "refusal", role: "alert" });
  const confirm = make("button", { type: "submit", className: "main" }, action);
  const cancel = make("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
  const heading = make("h2", { id: "dialog-title" }, title);
  const form = make("form", { method: "dialog" }, heading, ...body, refusal);
  form.append(make("div", { className: "actions" }, cancel, confirm));
  const dialog = make("dialog", { "aria-labelledby": "dialog-title" }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    confirm.disabled = true;
    write(refusal, "");
    try {
      const done = await run(form);
      dialog.close();
      if (done) notify(done);
    } catch (error) {
      write(refusal, error.message);
      confirm.disabled = false;
    }
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** A list of what will be done: pairs of name and value. */
export function facts(pairs) {
  const list = make("dl", { className: "facts" });
  for (const [name, value] of pairs) list.append(make("dt", {}, name), make("dd", {}, value));
  return list;
}
