// The venue's WebSocket: what was subscribed to stays so over every reconnection.

import { Value } from "./value.js";

const PING_MILLISECONDS = 10_000;
const SILENCE_MILLISECONDS = 25_000;
const FIRST_WAIT_MILLISECONDS = 500;
const LONGEST_WAIT_MILLISECONDS = 5_000;

export class Channels {
  /** "connecting" at first, then "live" or "lost". */
  state = new Value("connecting");
  #topics = new Map();
  #socket = null;
  #wait = FIRST_WAIT_MILLISECONDS;
  #heard = 0;
  #timer = 0;

  /** Connects, and from then on stays connected. */
  start() {
    setInterval(() => this.#beat(), PING_MILLISECONDS);
    this.#connect();
  }

  /** Has `listener` told the type and the data of every frame; returns what ends that. */
  subscribe(channel, market, listener) {
    const name = topic(channel, market);
    if (!this.#topics.has(name)) {
      this.#topics.set(name, { channel, market, listeners: new Set() });
      this.#send({ op: "subscribe", channel, market });
    }
    const { listeners } = this.#topics.get(name);
    listeners.add(listener);
    return () => {
      if (!listeners.delete(listener) || listeners.size) return;
      this.#topics.delete(name);
      this.#send({ op: "unsubscribe", channel, market });
    };
  }

  /** Asks for the whole state of a channel again. */
  renew(channel, market) {
    this.#send({ op: "unsubscribe", channel, market });
    this.#send({ op: "subscribe", channel, market });
  }

  /** Begins anew, as whoever is signed in now; nothing where it has not begun. */
  reconnect() {
    this.#wait = FIRST_WAIT_MILLISECONDS;
    if (this.#socket) this.#lose(this.#socket, 0);
  }

  #connect() {
    clearTimeout(this.#timer);
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/page/ws`);
    this.#socket = socket;
    this.#heard = Date.now();
    socket.onopen = () => {
      this.#wait = FIRST_WAIT_MILLISECONDS;
      for (const { channel, market } of this.#topics.values()) this.#send({ op: "subscribe", channel, market });
      this.state.set("live");
    };
    socket.onmessage = (event) => this.#receive(socket, JSON.parse(event.data));
    socket.onclose = () => this.#lose(socket, this.#wait);
  }

  #receive(socket, frame) {
    this.#heard = Date.now();
    if (frame.type === "info" && frame.code === 20001) {
      this.#lose(socket, this.#wait);
    } else if (frame.type === "partial" || frame.type === "update") {
      const subscribed = this.#topics.get(topic(frame.channel, frame.market));
      for (const listener of subscribed?.listeners ?? []) listener(frame.data, frame.type);
    }
  }

  #lose(socket, wait) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    socket.onclose = null;
    socket.close();
    this.state.set("lost");
    this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT_MILLISECONDS);
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  #beat() {
    if (!this.#socket) return;
    if (Date.now() - this.#heard > SILENCE_MILLISECONDS) this.#lose(this.#socket, 0);
    else this.#send({ op: "ping" });
  }

  #send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }
}

function topic(channel, market) {
  return `${channel} ${market ?? ""}`;
}
