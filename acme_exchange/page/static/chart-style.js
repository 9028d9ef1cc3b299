// How charts look: in the colours of the theme, in the browser's time.

import { colours } from "./theme.js";
import { dayAndTime } from "./numbers.js";

const tick = [
  new Intl.DateTimeFormat("en-GB", { year: "numeric" }),
  new Intl.DateTimeFormat("en-GB", { month: "short" }),
  new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" }),
  new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }),
  new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
];

/** Whether the chart library is there. */
export function canDraw() {
  return "LightweightCharts" in window;
}

/** Options of a chart, which take the theme's colours. */
export function chartOptions() {
  const { panel, line, muted } = colours();
  return {
    autoSize: true,
    layout: {
      background: { color: panel },
      textColor: muted,
      fontSize: 11,
      fontFamily: getComputedStyle(document.documentElement).fontFamily,
      attributionLogo: false,
    },
    grid: { vertLines: { color: line }, horzLines: { color: line } },
    rightPriceScale: { borderColor: line },
    timeScale: {
      borderColor: line,
      timeVisible: true,
      secondsVisible: false,
      rightOffset: 2,
      tickMarkFormatter: (time, kind) => tick[kind].format(new Date(time * 1000)),
    },
    localization: { locale: "en-US", timeFormatter: (time) => dayAndTime(time * 1000) },
    crosshair: { mode: 0 },
  };
}
