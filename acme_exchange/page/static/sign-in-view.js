// Who is signed in, at the top of the page, and how to be.

import { ask } from "./dialog.js";
import { find, make } from "./elements.js";
import { notify } from "./notices.js";

const CODE = /^#code=([\w-]+)$/;

/** Signs in by the code in the page's address, which then is taken out of it. */
export async function signInByAddress(session) {
  const code = CODE.exec(location.hash)?.[1];
  if (!code) return;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    await session.signInByCode(code);
  } catch (refusal) {
    notify(refusal.message, true);
  }
}

export class SignInView {
  #session;

  constructor(session) {
    this.#session = session;
    for (const button of document.querySelectorAll("[data-sign-in]")) button.onclick = () => this.ask();
    addEventListener("hashchange", () => signInByAddress(session));
    session.who.watch(() => this.#draw());
  }

  /** Asks for a key and its secret. */
  ask() {
    const key = field("API key", "key", "text");
    const secret = field("API secret", "secret", "password");
    const why = make("p", { className: "muted" });
    why.append("The secret signs here in the browser and is not sent. Without a key: ");
    why.append(make("code", {}, "acme-exchange page"), " prints an address that signs in once.");
    ask({
      title: "Sign in",
      body: [key.label, secret.label, why],
      action: "Sign in",
      run: async () => {
        const text = secret.input.value;
        secret.input.value = "";
        await this.#session.signInByKey(key.input.value.trim(), text);
      },
    });
  }

  #draw() {
    const { account, readOnly, owner } = this.#session.who.get();
    const area = find("who");
    if (account === null && !owner) {
      area.replaceChildren(make("button", { type: "button", className: "main", onclick: () => this.ask() }, "Sign in"));
      return;
    }
    const name = make("span", { className: "name", title: account ?? "" }, owner ? "owner" : account);
    const out = make("button", { type: "button", onclick: () => this.#leave() }, "Sign out");
    area.replaceChildren(name, ...(readOnly && !owner ? [make("span", { className: "tag" }, "read-only")] : []), out);
  }

  async #leave() {
    await this.#session.signOut().catch((refusal) => notify(refusal.message, true));
  }
}

function field(text, name, type) {
  const input = make("input", { type, name, required: true, autocomplete: "off", spellcheck: false });
  return { input, label: make("label", {}, text, input) };
}
