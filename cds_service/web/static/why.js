// Why each rule fired, stayed silent or could not tell: clause by clause, down to the resource.

import { make } from "./dom.js";
import { linesOf, resourcesOf } from "./resources.js";

const VERDICTS = { fires: "●", unknown: "?", silent: "○" };
const TRUTHS = { true: "✓", false: "✗", unknown: "?" };
const URGENCY = ["critical", "warning", "info"];
const LONGEST = 240;
// What most rules ask alike: that there is an order, and which label counts.
const COMMON = /^(order|setting)( \(|:|$)/;
const NOTHING = "nothing of the kind on file";

// What the reader chose stays over the next call.
const chosen = { verdicts: new Set(["fires", "unknown"]), words: "" };

/**
 * Show an answer of /explain (its parsed body) in a container; `requestText` is what was sent.
 */
export function showWhy(container, explanation, requestText) {
  if (!Array.isArray(explanation?.rules)) {
    container.replaceChildren(make("p", { class: "failure" }, `No explanation came. ${problemsOf(explanation)}`));
    return;
  }
  let resources;
  const viewer = resourceViewer(() => (resources ??= resourcesOf(requestText)));
  const rules = inOrder(explanation.rules).map((rule) => ({ rule, element: ruleElement(rule, viewer), words: wordsOf(rule) }));
  const status = make("p", { class: "hint", role: "status" });
  const narrow = () => status.replaceChildren(narrowed(rules));
  container.replaceChildren(controls(explanation.rules, narrow), status,
    make("ul", { class: "why" }, ...rules.map(({ element }) => element)), viewer.dialog);
  narrow();
}

function problemsOf(answer) {
  const issues = Array.isArray(answer?.issue) ? answer.issue : [];
  return issues.map((issue) => issue.diagnostics ?? "").join(" ");
}

function inOrder(rules) {
  const verdicts = Object.keys(VERDICTS);
  const rank = (rule) => 10 * verdicts.indexOf(rule.verdict) + URGENCY.indexOf(rule.indicator ?? "info");
  return [...rules].sort((one, other) => rank(one) - rank(other));
}

// ---------------------------------------------------------------- which rules

function controls(rules, narrow) {
  const buttons = Object.keys(VERDICTS).map((verdict) => {
    const count = rules.filter((rule) => rule.verdict === verdict).length;
    const button = make("button", { type: "button", "aria-pressed": chosen.verdicts.has(verdict) }, sign(VERDICTS, verdict), ` ${count}`);
    button.addEventListener("click", () => {
      const isOn = !chosen.verdicts.delete(verdict);
      if (isOn) chosen.verdicts.add(verdict);
      button.setAttribute("aria-pressed", isOn);
      narrow();
    });
    return button;
  });
  const search = make("input", { type: "search", placeholder: "id or word", autocomplete: "off", value: chosen.words });
  search.addEventListener("input", () => {
    chosen.words = search.value;
    narrow();
  });
  return make("div", { class: "why-controls" },
    make("div", { role: "group", "aria-label": "Show rules whose verdict is" }, ...buttons),
    make("label", {}, "Search rules ", search));
}

/** Hide what was not asked for, and say how much that is. */
function narrowed(rules) {
  const wanted = chosen.words.toLowerCase().split(/\s+/);
  let shown = 0;
  let elsewhere = 0;
  for (const { rule, element, words } of rules) {
    const fits = wanted.every((word) => words.includes(word));
    element.hidden = !fits || !chosen.verdicts.has(rule.verdict);
    if (!element.hidden) shown += 1;
    else if (fits) elsewhere += 1;
  }
  const also = chosen.words.trim() && elsewhere ? ` ${elsewhere} more match with another verdict.` : "";
  return `${shown} of ${rules.length} rules shown.${also}`;
}

function wordsOf(rule) {
  const clauses = rule.variants.flatMap((variant) => variant.clauses);
  const told = clauses.flatMap((clause) => [clause.name, clause.asks, ...clause.found, ...clause.missing]);
  return [rule.id, rule.title, rule.indicator, ...told].join(" ").toLowerCase();
}

// ---------------------------------------------------------------- one rule

function ruleElement(rule, viewer) {
  const clauses = make("details", {}, make("summary", {}, `All clauses of ${rule.id}`));
  clauses.addEventListener("toggle", () => {
    if (clauses.children.length === 1) clauses.append(...rule.variants.map((variant) => variantElement(variant, rule, viewer)));
  });
  const urgency = rule.indicator ? [" ", make("span", { class: `indicator ${rule.indicator}` }, rule.indicator)] : [];
  const shadow = rule.status === "shadow" ? [make("p", { class: "hint" }, "A shadow rule: judged, never shown as a card.")] : [];
  return make("li", { class: `${rule.verdict} ${rule.indicator ?? ""}` },
    make("h3", {}, make("a", { href: `rules/${encodeURIComponent(rule.id)}`, target: "_blank", rel: "noopener" }, rule.id), " ", sign(VERDICTS, rule.verdict), ...urgency),
    make("p", { class: "rule-title" }, rule.title), ...shadow,
    list("told", headlines(rule)), clauses);
}

/** What is to be seen first: why it is held back, what fired, what is missing where, what failed. */
function headlines(rule) {
  if (rule.because) return [rule.because];
  if (rule.verdict === "unknown") return unique(rule.variants.filter(({ outcome }) => outcome === "unknown").flatMap(missingIn));
  if (rule.verdict === "fires") return reasons(rule.variants.find(({ outcome }) => outcome === "fires")).map(clauseLine);
  return (nearest(rule.variants)?.clauses ?? []).filter(({ truth }) => truth === "false").map(clauseLine);
}

/** The true clauses of a variant, without those that most rules have; these where there are no others. */
function reasons(variant) {
  const holding = (variant?.clauses ?? []).filter(({ truth }) => truth === "true");
  const own = holding.filter(({ asks }) => !COMMON.test(asks));
  return own.length ? own : holding;
}

function missingIn(variant) {
  return variant.clauses.filter(({ truth }) => truth === "unknown")
    .map(({ missing, sought }) => `${missing.join("; ")}${sought ? ` – ${sought.words}` : ""}`);
}

/** The variant with the fewest failed clauses; of those, the one that a number keeps closest. */
function nearest(variants) {
  const share = ({ gap }) => (gap ? Number(gap.difference) / (Math.abs(Number(gap.limit)) || 1) : 1000);
  const rank = ({ clauses }) => clauses.filter(({ truth }) => truth === "false").reduce((sum, clause) => sum + 10000 + share(clause), 0);
  return [...variants].sort((one, other) => rank(one) - rank(other))[0];
}

function clauseLine({ name, truth, facts, gap }) {
  const telling = truth === "true" ? facts.filter(({ holds }) => holds) : facts;
  const more = telling.length > 1 ? ` (and ${telling.length - 1} more)` : "";
  const words = gap?.words ?? (telling.length ? cut(telling[0].text) + more : NOTHING);
  return make("span", {}, sign(TRUTHS, truth), " ", make("strong", {}, name), `: ${words}`);
}

// ---------------------------------------------------------------- clauses and facts

function variantElement(variant, rule, viewer) {
  const name = rule.variants.length > 1 ? [make("h4", {}, `${variant.name}: `, sign(VERDICTS, variant.outcome))] : [];
  return make("div", { class: "variant" }, ...name,
    make("ul", { class: "clauses" }, ...variant.clauses.map((clause) => clauseElement(clause, viewer))));
}

function clauseElement(clause, viewer) {
  const element = make("li", {}, sign(TRUTHS, clause.truth), " ", make("strong", {}, clause.name),
    " ", make("span", { class: "hint" }, clause.asks));
  if (clause.gap) element.append(make("p", { class: "gap" }, clause.gap.words));
  if (clause.facts.length) element.append(make("ul", {}, ...clause.facts.map((fact) => factElement(fact, viewer))));
  else if (clause.truth === "false") element.append(make("p", { class: "none" }, NOTHING));
  if (clause.missing.length) element.append(make("p", {}, "Missing:"), list("", clause.missing));
  if (clause.sought) element.append(soughtElement(clause.sought));
  return element;
}

function factElement(fact, viewer) {
  const amount = [fact.value, fact.unit].filter(Boolean).join(" ");
  const short = [amount, fact.date].filter(Boolean).join(", ");
  return make("li", {}, sign(TRUTHS, fact.holds ?? "unknown"), " ",
    ...(short ? [make("strong", {}, short), " "] : []), make("span", {}, fact.text),
    ...fact.sources.flatMap((source) => [" ", viewer.opener(source)]));
}

function soughtElement({ words, places, codes = [] }) {
  const searches = places.map(({ key, search }) => make("span", {}, `${key} `, make("code", {}, search ?? "")));
  const known = codes.map(({ name, codes: each }) => make("span", {}, `${name}: `, make("code", {}, each.join(", ") || "known by words only")));
  return make("details", { class: "sought" }, make("summary", {}, words), list("", [...searches, ...known]));
}

// ---------------------------------------------------------------- resources

/** One dialog for all resources, and the buttons that open it. */
function resourceViewer(resources) {
  const heading = make("h3", { id: "resource-heading" });
  const trail = make("p", { class: "hint" });
  const text = make("pre", { tabindex: "0", "aria-labelledby": "resource-heading" });
  const close = make("button", { type: "button" }, "Close");
  const dialog = make("dialog", { class: "resource", "aria-labelledby": "resource-heading" }, heading, trail, text, close);
  close.addEventListener("click", () => dialog.close());

  function open({ reference, element }) {
    const { lines, trail: where } = resources().find(reference);
    const marked = linesOf(lines, element);
    heading.textContent = reference;
    trail.textContent = `${where} of the request${marked ? `; ${element} is highlighted` : ""}`;
    text.replaceChildren(...markedText(lines, marked));
    dialog.showModal();
    text.querySelector("mark")?.scrollIntoView();
  }

  function opener(source) {
    if (!resources().find(source.reference)) {
      const why = resources().hasServer ? "fetched from the FHIR server" : "not in the request";
      return make("span", { class: "hint" }, `${source.reference} (${why})`);
    }
    const button = make("button", { type: "button", class: "reference", "aria-haspopup": "dialog" }, source.reference);
    button.addEventListener("click", () => open(source));
    return button;
  }

  return { dialog, opener };
}

function markedText(lines, marked) {
  if (!marked) return [lines.join("\n")];
  const piece = (first, last) => lines.slice(first, last).join("\n");
  return [piece(0, marked.first), make("mark", {}, piece(marked.first, marked.last + 1)), piece(marked.last + 1)];
}

// ---------------------------------------------------------------- small parts

/** A word with its sign: never by colour alone, and the sign is not read aloud. */
function sign(signs, word) {
  return make("span", { class: `sign ${word}` }, make("span", { "aria-hidden": "true" }, signs[word]), ` ${word}`);
}

function list(name, parts) {
  return make("ul", name ? { class: name } : {}, ...parts.map((part) => make("li", {}, part)));
}

const cut = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST).replace(/\s+\S*$/, "")} …` : text);
const unique = (texts) => [...new Set(texts)];
