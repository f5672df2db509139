// JSON text as a tree of places in it: numbers are never read, so that 0.80 stays 0.80.

const MAX_DEPTH = 100;
const BLANK = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** The text is no JSON that the service accepts; `index` is the place in it. */
export class NotJSON extends Error {
  constructor(problem, index) {
    super(problem);
    this.index = index;
  }
}

/**
 * The value of a text: `start` and `end` in it, and `members` ({name, start, value}) of an object
 * or `items` of an array. Throws NotJSON, also for a key that is given twice.
 */
export function read(text) {
  let index = 0;

  function take(pattern) {
    pattern.lastIndex = index;
    const found = pattern.exec(text);
    if (found) index = pattern.lastIndex;
    return found?.[0];
  }

  function skip(sign) {
    take(BLANK);
    if (text[index] !== sign) return false;
    index += 1;
    take(BLANK);
    return true;
  }

  function expect(sign, problem) {
    if (!skip(sign)) throw new NotJSON(problem, index);
  }

  function value(depth) {
    const start = index;
    if (depth > MAX_DEPTH) throw new NotJSON(`nested deeper than ${MAX_DEPTH} levels`, start);
    if (skip("{")) return { start, members: members(depth), end: index };
    if (skip("[")) return { start, items: items(depth), end: index };
    if (take(STRING) === undefined && take(WORD) === undefined) throw new NotJSON(unexpected(), start);
    return { start, end: index };
  }

  function members(depth) {
    const found = new Map();
    if (close("}")) return [];
    do {
      const start = index;
      const key = take(STRING);
      if (key === undefined) throw new NotJSON("a key in double quotes is expected here", start);
      const name = JSON.parse(key);
      if (found.has(name)) throw new NotJSON("this key is given more than once", start);
      expect(":", "a colon is expected after the key");
      found.set(name, { name, start, value: value(depth + 1) });
    } while (skip(","));
    if (!close("}")) throw new NotJSON("a comma or } is expected here", index);
    return [...found.values()];
  }

  function items(depth) {
    const found = [];
    if (close("]")) return found;
    do found.push(value(depth + 1)); while (skip(","));
    if (!close("]")) throw new NotJSON("a comma or ] is expected here", index);
    return found;
  }

  /** Like skip, but the blanks behind belong to what follows. */
  function close(sign) {
    take(BLANK);
    if (text[index] !== sign) return false;
    index += 1;
    return true;
  }

  function unexpected() {
    if (index >= text.length) return "the text ends before its value does";
    return text[index] === '"' ? "this string does not end, or holds a sign that must be escaped" : "a value is expected here";
  }

  take(BLANK);
  const whole = value(1);
  take(BLANK);
  if (index < text.length) throw new NotJSON("nothing more is expected here", index);
  return whole;
}

/** What lies at a path such as `context.draftOrders.entry[0]`; where it breaks off, the last there is. */
export function at(node, path) {
  let found = node;
  let rest = path;
  while (rest) {
    const [step, next] = stepInto(found, rest);
    if (!next) return found;
    found = next;
    rest = rest.slice(step).replace(/^\./, "");
  }
  return found;
}

/** Whether there is something at exactly this path. */
export const has = (node, path) => child(node, path) !== undefined;

/** What lies at exactly this path, undefined when nothing does. */
export function child(node, path) {
  let found = node;
  let rest = path;
  while (rest && found) {
    const [step, next] = stepInto(found, rest);
    found = next;
    rest = rest.slice(step).replace(/^\./, "");
  }
  return found;
}

function stepInto(node, path) {
  const number = /^\[(\d+)\]/.exec(path);
  if (number) return [number[0].length, node.items?.[Number(number[1])]];
  const fitting = (node.members ?? []).filter(({ name }) => path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`));
  const [member] = fitting.sort((one, other) => other.name.length - one.name.length);
  return [member?.name.length ?? 0, member?.value];
}

/** The text of a value. */
export const textOf = (text, node) => text.slice(node.start, node.end);

/** A value as JavaScript knows it, undefined for nothing. */
export const valueOf = (text, node) => (node ? JSON.parse(textOf(text, node)) : undefined);

/** Line and column of a place, both from 1. */
export function placeOf(text, index) {
  const before = text.slice(0, index);
  return { line: before.split("\n").length, column: index - before.lastIndexOf("\n") };
}

/** The place of a line and column, both from 1. */
export function indexOf(text, line, column) {
  const before = text.split("\n").slice(0, line - 1);
  return Math.min(text.length, before.join("\n").length + (before.length ? 1 : 0) + column - 1);
}
