// The workbench: fires a request at the service and shows what came back.
// Text from the service is only ever set as text.

import { cardElement } from "./cards.js";
import { asCurl } from "./curl.js";
import { clear, make } from "./dom.js";
import { Editor } from "./editor.js";
import { tell } from "./feedback.js";
import { issuesOf, parsed, post } from "./http.js";
import { indented } from "./indented.js";
import { keep, recall } from "./kept.js";
import { NotApplied, actionsIn, applied, underHook } from "./orders.js";
import * as sources from "./sources.js";

const byId = (id) => document.getElementById(id);
const [service, profile, fire, outcome, cards] = ["service", "profile", "fire", "outcome", "cards"].map(byId);
const [fixtures, made, view] = ["fixtures", "made", "view"].map(byId);
const bench = byId("bench").dataset;
const mostBytes = Number(bench.mostBytes);

let lastFired = 0;
let lastAsked = 0;

const editor = new Editor({
  area: byId("body"), problem: byId("problem"), undo: byId("undo"), where: byId("where"), kept: byId("kept"), onEdit: edited,
});

// ---------------------------------------------------------------- request

fixtures.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-name]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  chooseFixture(link);
});
byId("find").addEventListener("submit", (event) => event.preventDefault());
byId("words").addEventListener("input", (event) => sources.narrow(fixtures, event.target.value, byId("found")));
byId("upload").addEventListener("change", (event) => open(event.target.files[0]));
byId("server-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const [server, patient] = [byId("server").value, byId("patient").value];
  bring(sources.fromServer(server.trim(), patient.trim(), hook(), byId("order").checked), focusField);
});
byId("body").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) shoot();
});
byId("body").addEventListener("paste", () => setTimeout(() => {
  if (sources.isBundle(editor.text)) fromBundle(editor.text);
}));
for (const name of ["dragover", "drop"]) byId("request").addEventListener(name, dropped);
fire.addEventListener("click", shoot);
fire.disabled = false;
service.addEventListener("change", changeHook);
profile.addEventListener("change", () => {
  keep("profile", profile.value);
  markStale();
});

const current = fixtures.querySelector("[aria-current]");
if (current) {
  fixtures.scrollTop = current.offsetTop - fixtures.clientHeight / 3;
} else {
  choose(service, recall("service"));
  choose(profile, recall("profile"));
  chooseService();
}

const hook = () => service.selectedOptions[0].dataset.hook;

async function chooseFixture(link) {
  const { name } = link.dataset;
  if (!await bring(sources.fixture(name))) return;
  mark(link);
  history.replaceState(null, "", `?fixture=${encodeURIComponent(name)}`);
  choose(profile, link.dataset.profile);
  if (matchMedia("(width < 60rem)").matches) byId("request").scrollIntoView();
}

async function open(chosen) {
  if (!chosen) return;
  const told = await sources.file(chosen, mostBytes);
  if (told.text !== undefined && sources.isBundle(told.text)) return fromBundle(told.text);
  bring(told);
}

function dropped(event) {
  if (![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  if (event.type === "drop") open(event.dataTransfer.files[0]);
}

/** The Bundle stays in the text when no call can be made of it, so that its errors have a place. */
async function fromBundle(text) {
  editor.put(text);
  return bring(sources.fromBundle(text, hook(), byId("order").checked), (issues) => editor.showIssues(issues));
}

/** What is wrong with the fields of the form is corrected there. */
function focusField([issue]) {
  const field = byId("server-form").elements[issue.expression?.[0]];
  field?.focus();
}

/** Show a request that comes from elsewhere, or why it does not; of several the last counts. */
async function bring(coming, showAtPlace = () => {}) {
  const asked = ++lastAsked;
  made.replaceChildren(make("p", { class: "hint" }, "Loading…"));
  const told = await coming;
  if (asked !== lastAsked) return false;
  clear(made);
  if (told.issues) {
    const sentences = told.issues.map((issue) => make("li", {}, issue.diagnostics ?? ""));
    made.append(make("div", { class: "failure" }, make("p", {}, "No request could be made."), make("ul", {}, ...sentences)));
    showAtPlace(told.issues);
    return false;
  }
  editor.put(told.text);
  chooseService();
  if (told.notes) made.append(make("ul", { class: "hint" }, ...told.notes.map((note) => make("li", {}, note))));
  return true;
}

/** What was changed is no fixture any more. */
function edited() {
  mark(null);
  if (location.search) history.replaceState(null, "", location.pathname);
  markStale();
}

function mark(link) {
  for (const each of fixtures.querySelectorAll("[aria-current]")) each.removeAttribute("aria-current");
  link?.setAttribute("aria-current", "true");
}

/** Choose the service that the hook of the text belongs to. */
function chooseService() {
  const named = parsed(editor.text)?.hook;
  const fitting = [...service.options].find((option) => option.dataset.hook === named);
  if (fitting) choose(service, fitting.value);
}

/** Another hook is chosen: the call in the text becomes one of that hook, as far as it can. */
function changeHook() {
  keep("service", service.value);
  markStale();
  try {
    editor.put(underHook(editor.text, hook()));
  } catch {
    // What is no JSON stays as it is; its error is shown already.
  }
}

function choose(select, value) {
  const option = [...select.options].find((each) => each.value === value);
  if (!option) return;
  option.selected = true;
  keep(select.id, value);
}

// ---------------------------------------------------------------- answer

async function shoot(event) {
  if (sources.isBundle(editor.text) && !await fromBundle(editor.text)) return;
  const bytes = new Blob([editor.text]).size;
  if (bytes > mostBytes) return editor.showIssues([{ diagnostics: sources.tooLarge(bytes, mostBytes) }]);
  const shot = ++lastFired;
  const sent = { service: service.value, text: editor.text, query: query() };
  forget();
  outcome.replaceChildren(make("p", {}, "Waiting for an answer…"));
  fire.disabled = true;
  const isCurrent = () => shot === lastFired;
  // The call goes alone, so that the time it took is its own.
  await showing(sent, "cds-services", isCurrent, showAnswer);
  showing(sent, "explain", isCurrent, showExplanation);
  showing(sent, "workbench/course", isCurrent, drawCourse);
  fire.disabled = false;
  // Who fires from the keyboard goes on typing; everybody else goes on reading.
  if (event?.type === "click" || matchMedia("(width < 60rem)").matches) byId("answer-heading").focus();
}

/** Ask one address of the service and show its answer; what fails here hides nothing else. */
async function showing(sent, address, isCurrent, show) {
  const answer = await post(`${address}/${encodeURIComponent(sent.service)}${sent.query}`, sent.text);
  if (!isCurrent()) return;
  try {
    await show(answer, sent);
  } catch (problem) {
    outcome.append(make("p", { class: "failure" }, `This page could not show what ${address} answered (${problem.name}).`));
  }
}

/** The profile is named only where it is not the service's own. */
function query() {
  const isOwn = profile.value === profile.dataset.own;
  return isOwn ? "" : `?profile=${encodeURIComponent(profile.value)}`;
}

async function showAnswer(answer, sent) {
  showRaw(answer, sent);
  const said = parsed(answer.text);
  if (!answer.ok || !Array.isArray(said?.cards)) {
    return fail(answer.ok ? "the answer holds no cards" : answer.statusText, issuesOf(answer.text));
  }
  const count = said.cards.length;
  const words = count
    ? `${count} card${count === 1 ? "" : "s"}, most urgent first, in ${answer.milliseconds} ms.`
    : `Answered in ${answer.milliseconds} ms, without a card. See below what each rule made of the chart.`;
  outcome.replaceChildren(make("p", {}, words));
  view.hidden = count === 0;
  const details = await rendered(said.cards);
  cards.replaceChildren(...said.cards.map((card, number) => shown(card, number, details[number], answer, sent)));
  setView();
}

view.addEventListener("change", setView);

/** Wide as beside an order, or narrow as in a side bar; what was done on a card stays. */
function setView() {
  const isNarrow = view.querySelector("input:checked").value === "side";
  cards.className = isNarrow ? "side" : "";
  for (const detail of cards.querySelectorAll(".fold")) detail.open = !isNarrow;
}

function shown(card, number, detailHtml, answer, sent) {
  const done = new Set();
  return cardElement(card, {
    detailHtml,
    actionsOf: (which) => actionsIn(answer.text, number, which),
    onFire: shoot,
    async onApply(suggestion, which) {
      const changes = done.has(suggestion.uuid) ? [] : apply(answer.text, number, which);
      if (changes.problem) return { ok: false, words: `Not applied: ${changes.problem}.` };
      done.add(suggestion.uuid);
      const item = { card: card.uuid, outcome: "accepted", acceptedSuggestions: [{ id: suggestion.uuid }] };
      return { ...await tell(sent.service, item), changes };
    },
    onOverride: ({ reason, comment }) => tell(sent.service, {
      card: card.uuid,
      outcome: "overridden",
      overrideReason: { reason, ...(comment ? { userComment: comment } : {}) },
    }),
  });
}

/** Do what a suggestion offers to the orders in the text; what changed, or the problem. */
function apply(answer, card, suggestion) {
  try {
    const { text, changes } = applied(editor.text, actionsIn(answer, card, suggestion));
    if (changes.length) editor.put(text);
    return changes;
  } catch (problem) {
    return { problem: problem instanceof NotApplied ? problem.message : "the text is not JSON any more" };
  }
}

async function rendered(said) {
  const texts = said.map((card) => card.detail ?? "");
  const { text } = await post("workbench/markdown", JSON.stringify({ texts }));
  return parsed(text)?.html ?? [];
}

/** A failure is said as such; nothing about it may look like "all clear". */
function fail(reason, issues) {
  clear(cards);
  outcome.replaceChildren(make("div", { class: "failure" },
    make("p", {}, make("strong", {}, `No answer: ${reason}.`), " Nothing was assessed."),
    make("ul", {}, ...issues.map((issue) => editor.issueElement(issue)))));
  editor.showIssues(issues.slice(0, 1));
}

function forget() {
  for (const part of ["cards", "why", "course", "raw"]) clear(byId(part));
  for (const part of ["why-part", "course-part", "raw-part"]) byId(part).hidden = true;
  view.hidden = true;
}

/** An answer belongs to the request it was given for; say so once the request is another. */
function markStale() {
  if (byId("raw-part").hidden || outcome.querySelector(".stale")) return;
  outcome.append(make("p", { class: "stale" }, "The request was changed after this answer; fire it again."));
}

// ---------------------------------------------------------------- why, course, raw

async function showExplanation(answer, sent) {
  byId("why-part").hidden = false;
  const told = parsed(answer.text);
  if (!answer.ok || !Array.isArray(told?.rules)) return missing("why", "No explanation", answer);
  const { showWhy } = await import("./why.js");
  showWhy(byId("why"), told, sent.text);
}

async function drawCourse(answer) {
  byId("course-part").hidden = false;
  if (!answer.ok) return missing("course", "No picture", answer);
  const { showCourse } = await import("./course.js");
  showCourse(byId("course"), parsed(answer.text));
}

function missing(part, words, { statusText }) {
  byId(part).replaceChildren(make("p", { class: "hint" }, `${words}: ${statusText}.`));
}

function showRaw(answer, sent) {
  byId("raw-part").hidden = false;
  const curl = asCurl(`${bench.publicUrl}/cds-services/${encodeURIComponent(sent.service)}${sent.query}`, sent.text);
  byId("raw").replaceChildren(
    copyable("Request", sent.text),
    copyable(`Answer: ${answer.statusText}, ${answer.milliseconds} ms`, indented(answer.text), headersOf(answer)),
    copyable("The request as curl", curl));
}

function copyable(title, text, ...before) {
  const said = make("span", { class: "hint", role: "status" });
  const pre = make("pre", { tabindex: "0" }, text);
  const button = make("button", { type: "button", class: "plain" }, "Copy");
  button.addEventListener("click", async () => {
    said.textContent = await copied(text, pre) ? "Copied." : "Selected: press Ctrl + C.";
  });
  return make("details", {}, make("summary", {}, title), make("p", {}, button, " ", said), ...before, pre);
}

/** Browsers let pages write the clipboard over TLS and on this machine only; else it is selected. */
async function copied(text, pre) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(pre);
    return false;
  }
}

function headersOf({ headers }) {
  return make("p", { class: "hint" }, [...headers].map(([name, value]) => `${name}: ${value}`).join(" · "));
}
