// Resources in the text of a request, found line by line: every digit stays as it was sent.

import { indented } from "./indented.js";

/** What a request holds: `find(reference)` gives a resource's lines and where it stands, if it is there. */
export function resourcesOf(requestText) {
  const lines = indented(requestText).split("\n");
  const places = new Map();
  const named = objectsIn(lines).filter((each) => each.type);
  const isDraft = (each) => trailOf(each).startsWith("context");
  for (const each of [...named.filter(isDraft), ...named.filter((other) => !isDraft(other))]) {
    for (const name of namesOf(each)) if (!places.has(name)) places.set(name, each);
  }
  return {
    hasServer: lines.some((line) => line.startsWith('  "fhirServer": "')),
    find(reference) {
      const place = places.get(reference);
      if (!place) return undefined;
      const indent = " ".repeat(2 * place.depth);
      const own = lines.slice(place.first, place.last + 1).map((line) => line.replace(indent, ""));
      own[0] = "{";
      own[own.length - 1] = "}";
      return { lines: own, trail: trailOf(place) };
    },
  };
}

/** First and last line of an element such as `value[x]` or `component[1].valueQuantity`, if it is there. */
export function linesOf(lines, element) {
  let place = { first: 0, last: lines.length - 1 };
  for (const [part, depth] of (element.match(/\w+(\[x\])?|\[\d+\]/g) ?? []).map((each, index) => [each, index + 1])) {
    const children = childrenOf(lines, place, "  ".repeat(depth));
    const name = part.replace("[x]", "");
    const isIt = part.startsWith("[")
      ? (_, index) => index === Number(part.slice(1, -1))
      : ({ first }) => new RegExp(`^ *"${name}${name === part ? "" : "[A-Z]\\w*"}":`).test(lines[first]);
    place = children.find(isIt);
    if (!place) return undefined;
  }
  return element ? place : undefined;
}

/** The members or items that begin at an indent, each with its first and last line. */
function childrenOf(lines, { first, last }, indent) {
  const children = [];
  for (let at = first + 1; at < last; at += 1) {
    if (!lines[at].startsWith(indent) || lines[at][indent.length] === " ") continue;
    if (!/^ *[}\]]/.test(lines[at])) children.push({ first: at, last: at });
    else children.at(-1).last = at;
  }
  return children;
}

/** Every object and array, with the lines it spans and what its own members say it is. */
function objectsIn(lines) {
  const all = [];
  let open;
  lines.forEach((line, at) => {
    if (/^ *[}\]]/.test(line)) {
      open.last = at;
      open = open.parent;
      return;
    }
    if (open) open.items += 1;
    const [, key, said] = /^ *"((?:[^"\\]|\\.)*)": (?:"((?:[^"\\]|\\.)*)")?/.exec(line) ?? [];
    if (open && said) {
      if (key === "resourceType") open.type = said;
      else if (key === "id") open.id = said;
      else if (key === "fullUrl") open.fullUrl = said;
    }
    if (/[{[]$/.test(line)) {
      const step = !open ? "" : key ?? `[${open.items - 1}]`;
      open = { parent: open, step, depth: open ? open.depth + 1 : 0, first: at, last: at, items: 0 };
      all.push(open);
    }
  });
  return all;
}

/** The references a resource answers to, as the service writes them. */
function namesOf({ parent, type, id, fullUrl, step }) {
  const holder = parent?.step === "contained" ? parent.parent : undefined;
  if (holder) return id ? namesOf(holder).map((name) => `${name}#${id.replace(/^#/, "")}`) : [];
  const url = step === "resource" ? parent.fullUrl : fullUrl;
  const names = id ? [`${type}/${id}`] : [url ? "" : `${type} without id`];
  return [...names, url?.replace(/\/_history\/[^/]*$/, "")].filter(Boolean);
}

/** `prefetch.observations.entry[3].resource`. */
function trailOf(place) {
  if (!place.parent) return "";
  const before = trailOf(place.parent);
  return place.step.startsWith("[") || !before ? before + place.step : `${before}.${place.step}`;
}
