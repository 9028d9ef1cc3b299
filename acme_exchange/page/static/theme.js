// Light or dark: as the system has it, until one is chosen.

import { find, write } from "./elements.js";

/** Calls `changed` after each change. */
export function followTheme(changed) {
  const root = document.documentElement;
  const button = find("theme");
  const set = (theme) => {
    root.dataset.theme = theme;
    write(button, theme === "dark" ? "☀" : "☾");
    changed();
  };
  button.onclick = () => {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", theme);
    set(theme);
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
    if (!localStorage.getItem("theme")) set(event.matches ? "dark" : "light");
  });
  set(root.dataset.theme);
}

/** The colours of the theme, for what is drawn on a canvas. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return Object.fromEntries(
    ["panel", "line", "text", "muted", "up", "down", "up-fill", "down-fill", "accent", "warn"].map((name) => [
      name,
      of(name),
    ]),
  );
}
