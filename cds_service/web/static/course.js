// The course of one patient: the picture as the service drew it, and the same in a table.
// The picture holds shapes and words only; it is parsed as SVG and taken over as a node, not as HTML.

import { make } from "./dom.js";

/** Show what /workbench/course answered: `svg` for a page, `narrow` for a phone, `text` in words. */
export function showCourse(container, { svg, narrow, text }) {
  container.replaceChildren(...[svg, narrow].filter(Boolean).map(picture), inWords(text));
}

function picture(source) {
  const { documentElement } = new DOMParser().parseFromString(source, "image/svg+xml");
  if (documentElement.localName !== "svg") return make("p", { class: "failure" }, "The picture could not be read.");
  return document.importNode(documentElement, true);
}

function inWords(sections) {
  return make("details", { class: "course-words" }, make("summary", {}, "The same as a table"), ...sections.map(sectionElement));
}

function sectionElement({ title, unit, lines, limits, notes }) {
  const parts = [make("h3", {}, unit ? `${title} (${unit})` : title)];
  if (limits.length) parts.push(make("p", {}, `Limits: ${limits.join("; ")}`));
  if (notes.length) parts.push(make("ul", {}, ...notes.map((note) => make("li", {}, note))));
  if (lines.length) parts.push(table(title, lines));
  return make("section", {}, ...parts);
}

function table(title, lines) {
  const names = ["Date", "What", "Value", "About it", "Made fire", "Read from"];
  const head = make("tr", {}, ...names.map((name) => make("th", { scope: "col" }, name)));
  const rows = lines.map((line) => make("tr", {},
    make("th", { scope: "row" }, line.date),
    ...[line.what, line.value, line.about, line.rules.join(", "), line.source].map((words) => make("td", {}, words))));
  const whole = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title} as a table` }, whole);
}
