// Candles with volume, and in them what is one's own: orders, the entry, the liquidation price and fills.

import { canDraw, chartOptions } from "./chart-style.js";
import { find, write } from "./elements.js";
import { compact, decimalsOf, fixed } from "./numbers.js";
import { colours } from "./theme.js";

const EARLY_BARS = 60;
const SHOWN_BARS = 110;
const ROOM_BARS = 24;
const NARROW_PIXELS = 500;

export class PriceChart {
  #chart = null;
  #series = null;
  #volume = null;
  #markers = null;
  #lines = [];
  #list = [];
  #decimals = 2;
  #wantsOlder;
  /** Says in words what is one's own within the candle of a time. */
  describeAlso = () => "";

  /** `wantsOlder` is called when the beginning of what is loaded comes into sight. */
  constructor(wantsOlder) {
    this.#wantsOlder = wantsOlder;
    if (!canDraw()) {
      find("chart").textContent = "The chart library is missing on the venue: pip install lwcharts";
      return;
    }
    const library = window.LightweightCharts;
    this.#chart = library.createChart(find("chart"), chartOptions());
    this.#series = this.#chart.addSeries(library.CandlestickSeries, { borderVisible: false });
    this.#volume = this.#chart.addSeries(library.HistogramSeries, {
      priceScaleId: "volume",
      priceFormat: { type: "volume" },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.#chart.priceScale("right").applyOptions({ scaleMargins: { top: 0.12, bottom: 0.24 } });
    this.#chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.#markers = library.createSeriesMarkers(this.#series, []);
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange((range) => this.#moved(range));
    this.#chart.subscribeCrosshairMove((event) => this.#describe(event));
    this.dress();
  }

  /** Takes the theme's colours. */
  dress() {
    if (!this.#chart) return;
    const { up, down } = colours();
    this.#chart.applyOptions(chartOptions());
    this.#chart.timeScale().applyOptions({ rightOffset: ROOM_BARS });
    this.#series.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
    if (this.#list.length) this.#volume.setData(this.#list.map(volumeBar(colours())));
  }

  /** Begins with another market, or another length of candles. */
  show(market, resolution, list) {
    if (!this.#chart) return;
    this.#decimals = decimalsOf(market.priceIncrement);
    const minMove = Number(market.priceIncrement);
    this.#series.applyOptions({ priceFormat: { type: "price", precision: this.#decimals, minMove } });
    this.#chart.applyOptions({ timeScale: { secondsVisible: resolution < 60 } });
    this.#list = [];
    this.replace(list);
    this.#chart.priceScale("right").applyOptions({ autoScale: true });
    this.#chart.timeScale().setVisibleLogicalRange({ from: list.length - SHOWN_BARS, to: list.length + ROOM_BARS });
  }

  /** Other candles, or more, in place of those that are drawn. */
  replace(list) {
    if (!this.#chart) return;
    this.#list = list;
    this.#series.setData(list.map(bar));
    this.#volume.setData(list.map(volumeBar(colours())));
    this.#describe(null);
  }

  /** The last candle has grown, or a new one follows it. */
  update(list) {
    if (!this.#chart || !list.length) return;
    this.#list = list;
    const last = list.at(-1);
    this.#series.update(bar(last));
    this.#volume.update(volumeBar(colours())(last));
    this.#describe(null);
  }

  /** Horizontal lines: `{price, text, colour, style}`, `style` as the library counts them. */
  draw(lines) {
    if (!this.#chart) return;
    for (const line of this.#lines) this.#series.removePriceLine(line);
    // Where there is no room for words, the colours tell.
    const isNarrow = find("chart").clientWidth < NARROW_PIXELS;
    this.#lines = lines.map(({ price, text, colour, style }) =>
      this.#series.createPriceLine({
        price,
        title: isNarrow ? "" : text,
        axisLabelVisible: text !== "",
        color: colour,
        lineStyle: style,
        lineWidth: 1,
      }),
    );
  }

  /** Markers as the library knows them, in the order of their time. */
  mark(markers) {
    this.#markers?.setMarkers(markers);
    this.#describe(null);
  }

  #moved(range) {
    if (range && this.#list.length && range.from < EARLY_BARS) this.#wantsOlder();
  }

  #describe(event) {
    const at = event?.time;
    const candle = at === undefined ? this.#list.at(-1) : this.#list.findLast(({ time }) => time === at);
    if (!candle) return;
    const [open, high, low, close] = [candle.open, candle.high, candle.low, candle.close].map((price) =>
      fixed(price, this.#decimals),
    );
    write(find("legend"), `O ${open}  H ${high}  L ${low}  C ${close}  V ${compact(candle.volume)}`);
    write(find("legend-own"), this.describeAlso(candle.time));
  }
}

function bar({ time, open, high, low, close }) {
  return { time, open, high, low, close };
}

function volumeBar(colour) {
  return ({ time, open, close, volume }) => ({
    time,
    value: volume,
    color: close >= open ? colour["up-fill"] : colour["down-fill"],
  });
}
