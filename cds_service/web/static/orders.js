// What an EHR does with an accepted suggestion: the draft orders of a request, changed in its text.

import { indented } from "./indented.js";
import { child, read, textOf, valueOf } from "./raw.js";

const ENTRIES = "context.draftOrders.entry";

/** Why an action cannot be done to this request; nothing was changed. */
export class NotApplied extends Error {}

/**
 * The request after the actions of a suggestion, and in words what became different.
 * Each action is {type, resource} with the text of the resource, or {type, resourceId}.
 */
export function applied(request, actions) {
  return actions.reduce(({ text, changes }, action) => {
    const done = APPLY[action.type](text, action);
    return { text: done.text, changes: [...changes, ...done.changes] };
  }, { text: request, changes: [] });
}

/** The actions of suggestions[j] of cards[i], resources as they stand in the answer. */
export function actionsIn(answer, i, j) {
  const tree = read(answer);
  const actions = child(tree, `cards[${i}].suggestions[${j}].actions`)?.items ?? [];
  return actions.map((action) => {
    const resource = child(action, "resource");
    return {
      type: valueOf(answer, child(action, "type")),
      resource: resource && textOf(answer, resource),
      resourceId: valueOf(answer, child(action, "resourceId")),
    };
  });
}

const APPLY = {
  create(text, { resource }) {
    const entries = entriesOf(text);
    const last = entries.items.at(-1);
    const place = last ? last.end : entries.start + 1;
    const pad = indentationAt(text, last ? last.start : entries.start) + (last ? "" : "  ");
    const entry = shifted(indented(`{"resource":${resource}}`), pad);
    const added = last ? `,\n${pad}${entry}` : `\n${pad}${entry}\n${pad.slice(2)}`;
    return { text: spliced(text, place, last ? place : entries.end - 1, added), changes: [`${nameOf(resource)} added`] };
  },

  update(text, { resource }) {
    const name = nameOf(resource);
    const old = child(draftOf(text, name).entry, "resource");
    const changes = differences(textOf(text, old), resource).map((words) => `${name} ${words}`);
    const laidOut = shifted(indented(resource), indentationAt(text, old.start));
    return { text: spliced(text, old.start, old.end, laidOut), changes };
  },

  delete(text, { resourceId }) {
    const { items, number } = draftOf(text, resourceId);
    const isLast = number === items.length - 1;
    const start = isLast ? items[number - 1]?.end ?? items[0].start : items[number].start;
    const end = isLast ? items[number].end : items[number + 1].start;
    return { text: spliced(text, start, end, ""), changes: [`${resourceId} removed`] };
  },
};

/** Where two texts of one resource differ, element by element. */
export function differences(before, after) {
  const [old, young] = [leaves(before), leaves(after)];
  const words = [];
  for (const path of new Set([...old.keys(), ...young.keys()])) {
    if (!young.has(path)) words.push(`${path} ${old.get(path)} left out`);
    else if (!old.has(path)) words.push(`${path} ${young.get(path)} added`);
    else if (old.get(path) !== young.get(path)) words.push(`${path} ${old.get(path)} → ${young.get(path)}`);
  }
  return words;
}

/** The request under another hook: its name, and what that hook's context must have. */
export function underHook(request, hook) {
  const tree = read(request);
  const name = child(tree, "hook");
  if (!name) return request;
  const context = child(tree, "context");
  let text = request;
  if (hook === "order-select" && context?.members?.length && !child(context, "selections")) {
    const last = context.members.at(-1);
    const selections = JSON.stringify(draftNames(request, context));
    text = spliced(text, last.value.end, last.value.end, `,\n${indentationAt(text, last.start)}"selections": ${selections}`);
  }
  const place = child(read(text), "hook");
  return spliced(text, place.start, place.end, JSON.stringify(hook));
}

function draftNames(text, context) {
  const entries = child(context, "draftOrders.entry")?.items ?? [];
  return entries.map((entry) => child(entry, "resource")).filter(Boolean).map((resource) => nameOf(textOf(text, resource)));
}

function entriesOf(text) {
  const entries = child(read(text), ENTRIES);
  if (!entries?.items) throw new NotApplied("the request has no context.draftOrders.entry to change");
  return entries;
}

function draftOf(text, name) {
  const { items } = entriesOf(text);
  const number = items.findIndex((entry) => {
    const resource = child(entry, "resource");
    return resource && nameOf(textOf(text, resource)) === name;
  });
  if (number < 0) throw new NotApplied(`the draft orders hold no ${name}`);
  return { items, number, entry: items[number] };
}

function nameOf(resource) {
  const { resourceType, id } = JSON.parse(resource);
  return id === undefined ? `${resourceType}` : `${resourceType}/${id}`;
}

/** Every string, number and word of a resource by its path. */
function leaves(text) {
  const found = new Map();
  const walk = (node, path) => {
    if (node.members) for (const { name, value } of node.members) walk(value, path ? `${path}.${name}` : name);
    else if (node.items) node.items.forEach((item, number) => walk(item, `${path}[${number}]`));
    else found.set(path, textOf(text, node));
  };
  walk(read(text), "");
  return found;
}

const spliced = (text, start, end, inserted) => text.slice(0, start) + inserted + text.slice(end);
const shifted = (text, pad) => text.replaceAll("\n", `\n${pad}`);

/** The blanks that the line of a place begins with. */
function indentationAt(text, index) {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf("\n", index - 1) + 1))[0];
}
