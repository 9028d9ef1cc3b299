// How numbers and times are written. Amounts may come as text, which holds every digit.

export const MINUS = "−";

/** The number of decimals that an increment such as 0.0001 or 5e-07 has. */
export function decimalsOf(increment) {
  const [digits, exponent = "0"] = String(increment).toLowerCase().split("e");
  const fraction = digits.replace(/\.?0*$/, "").split(".")[1] ?? "";
  return Math.max(0, fraction.length - Number(exponent));
}

const formats = new Map();

function grouped(decimals, least) {
  const name = `${least}-${decimals}`;
  if (!formats.has(name)) {
    formats.set(
      name,
      new Intl.NumberFormat("en-US", {
        minimumFractionDigits: least,
        maximumFractionDigits: decimals,
        signDisplay: "negative",
      }),
    );
  }
  return formats.get(name);
}

/** With just so many decimals, and thousands in groups; a dash for what is not known. */
export function fixed(number, decimals) {
  if (number === null || number === undefined) return "–";
  return grouped(decimals, decimals).format(number).replace("-", MINUS);
}

/** All digits that text holds, without an exponent and without noughts at the end. */
export function exact(number) {
  if (number === null || number === undefined) return "–";
  const [digits, exponent = "0"] = String(number).toLowerCase().split("e");
  const isNegative = digits.startsWith("-");
  const [whole, fraction = ""] = digits.replace("-", "").split(".");
  const moved = shifted(whole, fraction, Number(exponent));
  const text = moved.fraction ? `${moved.whole}.${moved.fraction}` : moved.whole;
  return (isNegative && /[1-9]/.test(text) ? MINUS : "") + text.replace(/^\d+/, inGroups);
}

function shifted(whole, fraction, places) {
  let digits = whole + fraction;
  let point = whole.length + places;
  if (point <= 0) {
    digits = "0".repeat(1 - point) + digits;
    point = 1;
  }
  digits = digits.padEnd(point, "0");
  return {
    whole: digits.slice(0, point).replace(/^0+(?=\d)/, ""),
    fraction: digits.slice(point).replace(/0+$/, ""),
  };
}

function inGroups(whole) {
  return whole.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** With a sign before it, also where it is positive; not where nothing but noughts is shown. */
export function signed(number, decimals) {
  if (number === null || number === undefined) return "–";
  const text = fixed(number, decimals);
  return Number(number) > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** All digits, with a sign before it, also where it is positive. */
export function signedExact(number) {
  return Number(number) > 0 ? `+${exact(number)}` : exact(number);
}

/** A fraction as per cent. */
export function percent(fraction, decimals = 2) {
  return fraction === null || fraction === undefined ? "–" : `${signed(fraction * 100, decimals)} %`;
}

/** A large amount in thousands, millions or milliards. */
export function compact(number) {
  if (number === null || number === undefined) return "–";
  return new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 2 }).format(number);
}

/** "up", "down" or nothing: the class of a number that is good or bad. */
export function tone(number) {
  return number > 0 ? "up" : number < 0 ? "down" : "";
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short" });

/** The time of day, of an ISO text or of milliseconds. */
export function timeOf(moment) {
  return clock.format(new Date(moment));
}

/** The day and the time. */
export function dayAndTime(moment) {
  const date = new Date(moment);
  return `${day.format(date)} ${clock.format(date)}`;
}

/** What is left until a moment, such as 59:12 or 7:03:10. */
export function countdown(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return (parts[0] ? parts : parts.slice(1)).map((part, at) => (at ? String(part).padStart(2, "0") : part)).join(":");
}
