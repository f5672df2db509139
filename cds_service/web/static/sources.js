// Where a request may come from: a synthetic patient, a file, a Bundle, a FHIR server.

import { make } from "./dom.js";
import { get, issuesOf, post } from "./http.js";
import { child, read, textOf, valueOf } from "./raw.js";

/** The request of a fixture: {text} or {issues}. */
export async function fixture(name) {
  return toldBy(await get(`fixtures/${encodeURIComponent(name)}`));
}

/** The text of a file that is small enough and UTF-8: {text} or {issues}. */
export async function file(chosen, mostBytes) {
  if (chosen.size > mostBytes) return refused(tooLarge(chosen.size, mostBytes));
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(await chosen.arrayBuffer()) };
  } catch {
    return refused("The file is not UTF-8 text, so it was not opened.");
  }
}

/** Why a text of so many bytes is not sent. */
export const tooLarge = (bytes, most) => `It has ${megabytes(bytes)} MB, and the service reads ${megabytes(most)} MB at most.`;

/** Whether a text is a FHIR Bundle and no hook call. */
export function isBundle(text) {
  try {
    return valueOf(text, child(read(text), "resourceType")) === "Bundle";
  } catch {
    return false;
  }
}

/** A hook call made from a Bundle: {text, notes} or {issues}, at the places of the Bundle. */
export async function fromBundle(text, hook, order) {
  const sent = `{"hook":${JSON.stringify(hook)},"order":${order},"bundle":${text}}`;
  const { issues, ...request } = await made(sent);
  if (!issues) return request;
  return { issues: issues.map((issue) => ({ ...issue, expression: (issue.expression ?? []).map(inBundle) })) };
}

/** A hook call that lets the service fetch the chart: {text, notes} or {issues}. */
export const fromServer = (server, patient, hook, order) => made(JSON.stringify({ hook, order, server, patient }));

const inBundle = (path) => path.replace(/^bundle\.?/, "");

async function made(sent) {
  const answer = await post("workbench/request", sent);
  const told = toldBy(answer);
  if (told.issues) return told;
  const tree = read(answer.text);
  return { text: textOf(answer.text, child(tree, "request")), notes: valueOf(answer.text, child(tree, "notes")) };
}

function toldBy({ ok, statusText, text }) {
  if (ok) return { text };
  const issues = issuesOf(text);
  return issues.length ? { issues } : refused(`No answer: ${statusText}.`);
}

const refused = (diagnostics) => ({ issues: [{ diagnostics }] });
const megabytes = (bytes) => (bytes / 1_048_576).toFixed(1);

/** Narrow a list of stories to those with all words; `found` says how many are left. */
export function narrow(list, words, found) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const item of list.querySelectorAll("li")) {
    const text = `${item.textContent} ${item.dataset.rules}`.toLowerCase();
    item.hidden = !wanted.every((word) => text.includes(word));
    if (!item.hidden) count += 1;
  }
  for (const group of list.querySelectorAll("section")) group.hidden = !group.querySelector("li:not([hidden])");
  found.replaceChildren(make("span", {}, `${count} ${count === 1 ? "story" : "stories"}.`));
}
