// The page begins here.

import { Account } from "./account.js";
import { AccountView } from "./account-view.js";
import { Channels } from "./channels.js";
import { find, write } from "./elements.js";
import { EquityView } from "./equity-view.js";
import { Frames } from "./frames.js";
import { HistoryView } from "./history-view.js";
import { HoldingsView } from "./holdings-view.js";
import { Market } from "./market.js";
import { OrderForm } from "./order-form.js";
import { OwnView } from "./own-view.js";
import { OwnerView } from "./owner-view.js";
import { read } from "./requests.js";
import { Session } from "./session.js";
import { SignInView, signInByAddress } from "./sign-in-view.js";
import { tabs } from "./tabs.js";
import { followTheme } from "./theme.js";

const WORDS = { connecting: "connecting", live: "live", lost: "connection lost; trying again" };
const TABS = [
  ["positions", "Positions"],
  ["orders", "Open orders"],
  ["history", "Order history"],
  ["fills", "Fills"],
  ["funding", "Funding"],
  ["ledger", "Ledger"],
];

const session = new Session(await read("/session"));
await signInByAddress(session);
const frames = new Frames();
const channels = new Channels();
const market = new Market(channels, frames, session.offset);
const account = new Account(channels, session);
const own = new OwnView(market, account, frames);
const equity = new EquityView(account, session);
const past = new HistoryView(account, session);

new SignInView(session);
new AccountView(account, session, frames);
new HoldingsView(account, session, frames, market);
new OrderForm(market, account, session);
new OwnerView(session);
tabs(find("tabs"), TABS, () => past.refresh());
followTheme(() => {
  market.chart.dress();
  equity.dress();
  own.draw();
});
// Lines in a chart that has become wide have room for words, in one that has become narrow none.
const drawOwn = () => own.draw();
window.addEventListener("resize", () => frames.request(drawOwn));
channels.state.watch((state) => {
  const shown = find("connection");
  shown.dataset.state = state;
  write(shown.querySelector("span"), WORDS[state]);
});
channels.start();
