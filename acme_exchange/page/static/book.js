// A market's book as its channel tells it, checked against the channel's checksum (Acme API §6).

const DEPTH = 100;

export class Book {
  bids = new Map();
  asks = new Map();
  #checksum = null;

  /** Takes a frame in: all of the book, or the levels that have changed. */
  apply(data) {
    if (data.action === "partial") this.clear();
    for (const side of ["bids", "asks"]) {
      for (const [price, size] of data[side]) {
        if (size) this[side].set(price, size);
        else this[side].delete(price);
      }
    }
    this.#checksum = data.checksum;
  }

  clear() {
    this.bids.clear();
    this.asks.clear();
    this.#checksum = null;
  }

  /** Price and size of the levels of a side, best first. */
  levels(side) {
    const levels = [...this[side]];
    return levels.toSorted(side === "bids" ? (a, b) => b[0] - a[0] : (a, b) => a[0] - b[0]);
  }

  /** Whether it is what the venue's is. */
  isTrue() {
    if (this.#checksum === null) return true;
    const bids = this.levels("bids");
    const asks = this.levels("asks");
    const parts = [];
    for (let at = 0; at < DEPTH; at += 1) {
      for (const level of [bids[at], asks[at]]) if (level) parts.push(...level.map(written));
    }
    return crc32(parts.join(":")) === this.#checksum;
  }
}

/** Levels of a whole step each, whose orders round away from the middle. */
export function gathered(levels, side, step) {
  const sums = new Map();
  for (const [price, size] of levels) {
    const steps = price / step;
    const rounded = side === "bids" ? Math.floor(steps + 1e-9) : Math.ceil(steps - 1e-9);
    sums.set(rounded, (sums.get(rounded) ?? 0) + size);
  }
  return [...sums].map(([steps, size]) => [steps * step, size]);
}

/** A number as the venue writes it into the text of which it takes the checksum: 5000.0, 1e-07. */
function written(number) {
  const text = String(number);
  const small = Math.abs(number) < 1e-4 && number !== 0;
  if (!small && !text.includes("e")) return text.includes(".") ? text : `${text}.0`;
  const [digits, exponent] = (small ? number.toExponential() : text).split("e");
  const sign = exponent[0] === "-" ? "-" : "+";
  return `${digits}e${sign}${exponent.replace(/^[-+]/, "").padStart(2, "0")}`;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(text) {
  let value = 0xffffffff;
  for (let at = 0; at < text.length; at += 1) value = TABLE[(value ^ text.charCodeAt(at)) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
