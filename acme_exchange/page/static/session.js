// Who is signed in, by a cookie that no script can read.

import { Refusal, read, send } from "./requests.js";
import { Value } from "./value.js";

const NO_SIGNING =
  "A browser signs only on this machine or over https: open the page as http://127.0.0.1, or sign in by an address " +
  "that acme-exchange page prints";

export class Session {
  /** `{account, readOnly, owner}`; `account` is null where nobody is signed in. */
  who;
  #offset;

  /** `described` as the venue describes a session. */
  constructor(described) {
    this.#offset = Date.parse(described.time) - Date.now();
    this.who = new Value(described);
  }

  /** By how many milliseconds the venue's clock is ahead of this one. */
  get offset() {
    return this.#offset;
  }

  get mayAct() {
    const { account, readOnly } = this.who.get();
    return account !== null && !readOnly;
  }

  async signInByCode(code) {
    this.who.set(await send("POST", "/session", { code }));
  }

  /** The secret signs the time of day here, and is not sent. */
  async signInByKey(key, secret) {
    if (!globalThis.crypto?.subtle) throw new Refusal(0, NO_SIGNING);
    const time = String(Date.now() + this.#offset);
    const sign = await signature(secret, `${time}websocket_login`);
    this.who.set(await send("POST", "/session", { key, time, sign }));
  }

  async signOut() {
    this.who.set(await send("DELETE", "/session"));
  }

  /** The venue no longer knows the session: what does it say now? */
  async check() {
    const described = await read("/session").catch(() => null);
    const { account, owner } = this.who.get();
    if (described && (described.account !== account || described.owner !== owner)) this.who.set(described);
  }
}

async function signature(secret, text) {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"]);
  const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text)));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
