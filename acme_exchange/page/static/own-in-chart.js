// What is one's own in the chart: orders, the entry and the liquidation price as lines, fills as markers.

import { decimalsOf, fixed } from "./numbers.js";
import { colours } from "./theme.js";

const MOST_LINES = 30;
// More of them would stand in the way of the latest candles.
const MOST_WORDS = 6;
const SOLID = 0;
const DOTTED = 1;
const DASHED = 2;

/** The lines of a market: of its positions, and of the orders nearest to the mark. */
export function ownLines(market, state, orders, mark) {
  const colour = colours();
  const sizes = decimalsOf(market.sizeIncrement);
  const held = (state?.positions ?? []).filter(({ future, size }) => future === market.name && Number(size));
  const levels = levelsOf([...orders.values()].filter((order) => order.market === market.name && order.price !== null));
  const near = levels.toSorted((one, other) => Math.abs(one.price - mark) - Math.abs(other.price - mark));
  return [
    ...held.flatMap((position) => positionLines(position, colour, sizes)),
    ...near.slice(0, MOST_LINES).map(({ price, side, size }, at) => ({
      price,
      text: at < MOST_WORDS ? `${side} ${fixed(size, sizes)}` : "",
      colour: side === "buy" ? colour.up : colour.down,
      style: DASHED,
    })),
  ];
}

/** Orders of one side and price are one line. */
function levelsOf(orders) {
  const levels = new Map();
  for (const { side, price, remainingSize } of orders) {
    const name = `${side} ${price}`;
    const size = (levels.get(name)?.size ?? 0) + Number(remainingSize);
    levels.set(name, { side, price: Number(price), size });
  }
  return [...levels.values()];
}

function positionLines(position, colour, sizes) {
  const text = `${position.side === "buy" ? "long" : "short"} ${fixed(position.size, sizes)}`;
  const entry = { price: Number(position.entryPrice), text, colour: colour.accent, style: SOLID };
  const liquidation = Number(position.estimatedLiquidationPrice ?? 0);
  if (liquidation <= 0) return [entry];
  return [entry, { price: liquidation, text: "liquidation", colour: colour.warn, style: DOTTED }];
}

/** One marker for all fills of a candle, a side and a liquidity: an arrow where one's order rested, a dot where it met
 * another's. */
export function ownMarkers(market, fills, candles, resolution) {
  if (!candles.length) return [];
  const colour = colours();
  const groups = new Map();
  for (const fill of fills) {
    if (fill.market !== market.name) continue;
    const time = Math.floor(Date.parse(fill.time) / 1000 / resolution) * resolution;
    if (time < candles[0].time || time > candles.at(-1).time) continue;
    const name = `${time} ${fill.side} ${fill.liquidity}`;
    groups.set(name, { time, side: fill.side, liquidity: fill.liquidity });
  }
  const shape = { buy: "arrowUp", sell: "arrowDown" };
  return [...groups.values()]
    .toSorted((one, other) => one.time - other.time)
    .map(({ time, side, liquidity }) => ({
      time,
      position: side === "buy" ? "belowBar" : "aboveBar",
      shape: liquidity === "maker" ? shape[side] : "circle",
      color: side === "buy" ? colour.up : colour.down,
      size: liquidity === "maker" ? 1 : 0.7,
    }));
}

/** What the fills of a candle were, in words; empty where there were none. */
export function fillsWithin(market, fills, time, resolution) {
  const parts = [];
  for (const side of ["buy", "sell"]) {
    const mine = fills.filter((fill) => {
      const moment = Date.parse(fill.time) / 1000;
      return fill.market === market.name && fill.side === side && moment >= time && moment < time + resolution;
    });
    if (!mine.length) continue;
    const size = mine.reduce((sum, fill) => sum + Number(fill.size), 0);
    const value = mine.reduce((sum, fill) => sum + Number(fill.size) * Number(fill.price), 0);
    const makers = mine.filter((fill) => fill.liquidity === "maker").length;
    const takers = mine.length - makers;
    const roles = [makers && `${makers} maker`, takers && `${takers} taker`].filter(Boolean);
    const price = fixed(value / size, decimalsOf(market.priceIncrement));
    const done = side === "buy" ? "bought" : "sold";
    parts.push(`${done} ${fixed(size, decimalsOf(market.sizeIncrement))} at ${price} (${roles.join(", ")})`);
  }
  return parts.join(" · ");
}
