// Differences of amounts to their last digit, which binary fractions do not hold.

function parsed(number) {
  const [digits, exponent = "0"] = String(number).toLowerCase().split("e");
  const [whole, fraction = ""] = digits.split(".");
  const places = fraction.length - Number(exponent);
  const value = BigInt(whole + fraction);
  return places >= 0 ? { value, places } : { value: value * 10n ** BigInt(-places), places: 0 };
}

/** `one` less `other`, as text. */
export function minus(one, other) {
  const left = parsed(one);
  const right = parsed(other);
  const places = Math.max(left.places, right.places);
  const scaled = ({ value, places: own }) => value * 10n ** BigInt(places - own);
  const difference = scaled(left) - scaled(right);
  const digits = String(difference < 0n ? -difference : difference).padStart(places + 1, "0");
  const point = digits.length - places;
  const text = places ? `${digits.slice(0, point)}.${digits.slice(point)}` : digits;
  return difference < 0n ? `-${text}` : text;
}
