// The workbench: fires a request at the service and shows what came back.
// Text from the service is only ever set as text; card details arrive as HTML that the service made
// from markdown with every tag in it escaped.

import { indented } from "./indented.js";

const byId = (id) => document.getElementById(id);
const fixture = byId("fixture");
const service = byId("service");
const body = byId("body");
const fire = byId("fire");
const outcome = byId("outcome");
const cards = byId("cards");
const raw = byId("raw");
const why = byId("why");
const rules = byId("rules");
const filter = byId("filter");

let lastFired = 0;

/** An element with attributes and children; strings become text, never markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// ---------------------------------------------------------------- request

fixture.addEventListener("change", async () => {
  byId("story").textContent = fixture.selectedOptions[0].dataset.story ?? "";
  if (!fixture.value) return;
  const chosen = fixture.value;
  const { ok, text } = await get(`fixtures/${encodeURIComponent(chosen)}`);
  if (fixture.value !== chosen) return;
  if (!ok) return fail("the fixture could not be loaded", issuesOf(text));
  put(text);
});

byId("upload").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  forgetFixture();
  put(await file.text());
});

body.addEventListener("input", () => {
  forgetFixture();
  chooseService();
  markStale();
});
service.addEventListener("change", markStale);
body.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) shoot();
});
fire.addEventListener("click", shoot);

/** What was changed is no fixture any more; choosing it again brings it back. */
function forgetFixture() {
  fixture.value = "";
  byId("story").textContent = "";
}

/** Show a request, and choose the service its hook belongs to. */
function put(text) {
  body.value = indented(text);
  chooseService();
  markStale();
}

function chooseService() {
  const hook = parsed(body.value)?.hook;
  const fitting = [...service.options].find((option) => option.dataset.hook === hook);
  if (fitting) fitting.selected = true;
}

// ---------------------------------------------------------------- answer

async function shoot() {
  const shot = ++lastFired;
  const id = encodeURIComponent(service.value);
  const request = body.value;
  clear();
  outcome.replaceChildren(make("p", {}, "Waiting for an answer…"));
  fire.disabled = true;
  try {
    const [answer, explanation] = await Promise.all([
      post(`cds-services/${id}`, request),
      post(`explain/${id}`, request),
    ]);
    if (shot === lastFired) await show(answer, explanation);
  } catch (problem) {
    fail(`this page could not show it (${problem.name})`, []);
  } finally {
    fire.disabled = false;
    const isBelow = matchMedia("(width < 60rem)").matches;
    if (isBelow) byId("answer-heading").scrollIntoView();
  }
}

async function show(answer, explanation) {
  clear();
  if (answer.text) {
    raw.hidden = false;
    raw.querySelector("pre").textContent = indented(answer.text);
  }
  const said = parsed(answer.text);
  if (!answer.ok || !Array.isArray(said?.cards)) {
    return fail(answer.status || "the answer holds no cards", issuesOf(answer.text));
  }
  const details = await rendered(said.cards);
  cards.replaceChildren(...said.cards.map((card, index) => cardElement(card, details[index])));
  const count = said.cards.length;
  const words = count
    ? `Answered with ${count} card${count === 1 ? "" : "s"}.`
    : "Answered without a card. See below what each rule made of the chart.";
  outcome.replaceChildren(make("p", {}, words));
  showWhy(explanation);
}

function clear() {
  outcome.replaceChildren();
  cards.replaceChildren();
  rules.replaceChildren();
  why.hidden = true;
  raw.hidden = true;
}

/** A failure is said as such; nothing about it may look like "all clear". */
function fail(reason, issues) {
  cards.replaceChildren();
  why.hidden = true;
  const list = issues.map((issue) => make("li", {}, issue.diagnostics ?? "", ...pathsOf(issue)));
  outcome.replaceChildren(
    make("div", { class: "failure" }, make("p", {}, make("strong", {}, `No answer: ${reason}.`), " Nothing was assessed."), make("ul", {}, ...list)),
  );
}

/** The paths of an issue that its sentence does not already name. */
function pathsOf(issue) {
  const unsaid = (issue.expression ?? []).filter((path) => !issue.diagnostics?.includes(path));
  return unsaid.flatMap((path) => [" ", make("code", {}, path)]);
}

/** An answer belongs to the request it was given for; say so once the request is another. */
function markStale() {
  if (!cards.childElementCount && raw.hidden) return;
  if (!outcome.querySelector(".stale")) {
    outcome.append(make("p", { class: "failure stale" }, "The request was changed after this answer; fire it again."));
  }
}

function cardElement(card, detail) {
  const element = make("article", { class: `card ${card.indicator}` },
    make("p", { class: `indicator ${card.indicator}` }, card.indicator),
    make("h3", {}, card.summary));
  if (detail) element.append(fragment(detail));
  else if (card.detail) element.append(make("pre", {}, card.detail));
  element.append(sourceElement(card.source));
  if (card.suggestions) {
    element.append(make("p", { class: "hint" }, "Suggestions (choose at most one)"));
    element.append(...card.suggestions.map(suggestionElement));
  }
  if (card.overrideReasons) element.append(overrideElement(card));
  if (card.links) {
    element.append(make("ul", {}, ...card.links.map((link) => make("li", {}, anchor(link.label, link.url)))));
  }
  return element;
}

function sourceElement(source) {
  const topic = source.topic ? ` · ${source.topic.code}` : "";
  return make("p", { class: "hint" }, "Source: ", source.url ? anchor(source.label, source.url) : source.label, topic);
}

function suggestionElement(suggestion) {
  const element = make("details", {}, make("summary", {}, suggestion.label));
  const actions = suggestion.actions ?? [];
  if (!actions.length) element.append(make("p", { class: "hint" }, "Advice only: nothing is changed in the chart."));
  for (const action of actions) {
    const what = action.resource ? JSON.stringify(action.resource, null, 2) : action.resourceId;
    element.append(make("p", {}, make("strong", {}, action.type), ` ${action.description}`), make("pre", { tabindex: "0" }, what ?? ""));
  }
  return element;
}

function overrideElement(card) {
  const id = `override-${card.uuid}`;
  const reasons = card.overrideReasons.map((reason) => make("option", { value: reason.code }, reason.display));
  return make("div", { class: "field" },
    make("label", { for: id }, "Override because"),
    make("select", { id }, make("option", { value: "" }, "choose a reason"), ...reasons));
}

/** A link; what is no web address stays text. */
function anchor(label, url) {
  const isWeb = /^https?:\/\//i.test(url);
  return isWeb ? make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label) : `${label} (${url})`;
}

async function rendered(said) {
  const texts = said.map((card) => card.detail ?? "");
  const { text } = await post("workbench/markdown", JSON.stringify({ texts }));
  return parsed(text)?.html ?? texts.map(() => "");
}

/** HTML from the service's own markdown renderer, as nodes. */
function fragment(html) {
  const holder = make("div", { class: "detail" });
  holder.append(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  return holder;
}

// ---------------------------------------------------------------- why

function showWhy(explanation) {
  const told = parsed(explanation.text)?.rules;
  why.hidden = false;
  if (!explanation.ok || !Array.isArray(told)) {
    rules.replaceChildren(make("p", { class: "failure" }, `No explanation: ${explanation.status}`));
    return;
  }
  for (const box of filter.querySelectorAll("input")) {
    box.parentElement.querySelector("span").textContent = told.filter((rule) => rule.verdict === box.value).length;
  }
  rules.replaceChildren(...told.map(ruleElement));
  applyFilter();
}

filter.addEventListener("change", applyFilter);

function applyFilter() {
  const wanted = new Set([...filter.querySelectorAll("input:checked")].map((box) => box.value));
  for (const element of rules.querySelectorAll(".verdict")) element.hidden = !wanted.has(element.dataset.verdict);
}

function ruleElement(rule) {
  const word = rule.indicator ? make("span", { class: `indicator ${rule.indicator}` }, `${rule.verdict} (${rule.indicator})`) : rule.verdict;
  const element = make("details", { class: "verdict", "data-verdict": rule.verdict },
    make("summary", {}, make("strong", {}, rule.id), " ", word, ` · ${rule.title}`));
  if (rule.because) element.append(make("p", {}, rule.because));
  element.append(make("p", {}, make("a", { href: `rules/${encodeURIComponent(rule.id)}` }, `About ${rule.id}`), ` version ${rule.version}, ${rule.status}`));
  for (const variant of rule.variants) element.append(variantElement(variant));
  return element;
}

function variantElement(variant) {
  const head = make("tr", {}, ...["Clause", "Asks", "Answer", "Found", "Missing"].map((name) => make("th", { scope: "col" }, name)));
  const lines = variant.clauses.map((clause) => make("tr", {},
    make("th", { scope: "row" }, clause.name),
    make("td", {}, clause.asks),
    make("td", {}, clause.truth),
    make("td", {}, listElement(clause.found)),
    make("td", {}, listElement(clause.missing))));
  const table = make("table", {}, make("caption", { class: "hint" }, `${variant.name}: ${variant.outcome}`), make("thead", {}, head), make("tbody", {}, ...lines));
  return make("div", { class: "scroll", tabindex: "0" }, table);
}

function listElement(texts) {
  return texts.length ? make("ul", {}, ...texts.map((text) => make("li", {}, text))) : "";
}

// ---------------------------------------------------------------- wire

const get = (path) => ask(path, {});
const post = (path, text) => ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: text });

async function ask(path, options) {
  try {
    const response = await fetch(path, options);
    return { ok: response.ok, status: `HTTP ${response.status}`, text: await response.text() };
  } catch {
    return { ok: false, status: "the service could not be reached", text: "" };
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function issuesOf(text) {
  const issues = parsed(text)?.issue;
  return Array.isArray(issues) ? issues : [];
}
