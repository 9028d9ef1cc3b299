// The page begins here.

import { Channels } from "./channels.js";
import { find, write } from "./elements.js";
import { Frames } from "./frames.js";
import { Market } from "./market.js";
import { read } from "./requests.js";
import { followTheme } from "./theme.js";

const WORDS = { connecting: "connecting", live: "live", lost: "connection lost; trying again" };

const frames = new Frames();
const { time } = await read("/session");
const channels = new Channels();
const market = new Market(channels, frames, Date.parse(time) - Date.now());

followTheme(() => market.chart.dress());
channels.state.watch((state) => {
  const shown = find("connection");
  shown.dataset.state = state;
  write(shown.querySelector("span"), WORDS[state]);
});
