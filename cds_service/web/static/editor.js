// The text of the request: errors shown at their place, and nothing that was typed is ever lost.

import { clear, make } from "./dom.js";
import { indented } from "./indented.js";
import { keep, recall } from "./kept.js";
import { NotJSON, at, has, indexOf, placeOf, read } from "./raw.js";

const KEPT = "text";
const REMEMBERED = 20;
const PAUSE = 300;
const LARGE = 1_000_000;

/** An editor over a textarea; `problem` shows where it is wrong, `undo` brings back what was before. */
export class Editor {
  #area;
  #problem;
  #undo;
  #where;
  #kept;
  #before = [];
  #timer = 0;
  #onEdit;

  constructor({ area, problem, undo, where, kept, onEdit }) {
    [this.#area, this.#problem, this.#undo, this.#where, this.#kept] = [area, problem, undo, where, kept];
    this.#onEdit = onEdit;
    this.#restore();
    area.addEventListener("input", () => this.#edited());
    undo.addEventListener("click", () => this.#bringBack());
    document.addEventListener("selectionchange", () => this.#showWhere());
    window.addEventListener("pagehide", () => this.#keep());
  }

  get text() {
    return this.#area.value;
  }

  /** Show another text; the one before can be brought back. */
  put(text) {
    const laidOut = text.length > LARGE ? text : indented(text);
    if (laidOut === this.text) return;
    this.#remember(this.text);
    this.#area.value = laidOut;
    this.#area.scrollTop = 0;
    this.#changed();
  }

  /** Say what is wrong with the text, each issue ({diagnostics, expression}) with a way to its place. */
  showIssues(issues) {
    if (this.#timer) this.#keep();
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#area.setAttribute("aria-invalid", issues.length ? "true" : "false");
    this.#problem.replaceChildren(...issues.map((issue) => this.issueElement(issue, "p")));
  }

  /** An issue in words, with a button that leads to its place in the text. */
  issueElement(issue, tag = "li") {
    const words = issue.diagnostics ?? "";
    const unsaid = (issue.expression ?? []).filter((path) => !words.includes(path));
    const element = make(tag, {}, words, ...unsaid.flatMap((path) => [" ", make("code", {}, path)]));
    const place = this.#placeOf(issue);
    if (place) {
      const { line, column } = placeOf(this.text, place.start);
      const button = make("button", { type: "button", class: "link" }, `Go to line ${line}, column ${column}`);
      button.addEventListener("click", () => this.#goTo(place));
      element.append(" ", button);
    }
    return element;
  }

  #restore() {
    const typed = recall(KEPT);
    if (typed && typed !== this.text) {
      if (this.text) this.#remember(typed);
      else this.#area.value = typed;
    }
    this.#showProblem();
  }

  #edited() {
    this.#onEdit();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#rest(), PAUSE);
  }

  #changed() {
    this.#onEdit();
    this.#rest();
  }

  /** Whenever typing rests: keep the text, and say where it is wrong. */
  #rest() {
    this.#keep();
    this.#showProblem();
  }

  #showProblem() {
    if (!this.text.trim() || this.text.length > LARGE) return this.showIssues([]);
    try {
      read(this.text);
      this.showIssues([]);
    } catch (problem) {
      if (!(problem instanceof NotJSON)) throw problem;
      const { line, column } = placeOf(this.text, problem.index);
      this.showIssues([{ diagnostics: `Not JSON at line ${line}, column ${column}: ${problem.message}.` }]);
    }
  }

  #remember(text) {
    if (!text) return;
    this.#before.push(text);
    this.#before = this.#before.slice(-REMEMBERED);
    this.#undo.hidden = false;
  }

  /** The texts go round, so that the one that is left can be brought back as well. */
  #bringBack() {
    const text = this.#before.pop();
    if (this.text) this.#before.unshift(this.text);
    this.#undo.hidden = this.#before.length === 0;
    this.#area.value = text;
    this.#changed();
    if (this.#undo.hidden) this.#area.focus();
  }

  /** The store of a tab holds a few megabytes; beyond that the page says that it cannot keep it. */
  #keep() {
    if (keep(KEPT, this.text)) clear(this.#kept);
    else this.#kept.textContent = "This text is too large to be kept when the page is left.";
  }

  /** Where an issue is: at its path, or at the line and column that its words name. */
  #placeOf({ diagnostics = "", expression = [] }) {
    const named = /line (\d+), column (\d+)/.exec(diagnostics);
    if (named) {
      const start = indexOf(this.text, Number(named[1]), Number(named[2]));
      return { start, end: start };
    }
    if (!expression.length) return null;
    try {
      const tree = read(this.text);
      const whole = at(tree, expression[0]);
      // What is missing has no place: the opening bracket of what it is missing from has one.
      return has(tree, expression[0]) ? whole : { start: whole.start, end: whole.start + 1 };
    } catch {
      return null;
    }
  }

  #goTo({ start, end }) {
    this.#area.focus();
    this.#area.setSelectionRange(start, end);
    const { line } = placeOf(this.text, start);
    const height = this.#area.scrollHeight / this.text.split("\n").length;
    this.#area.scrollTop = Math.max(0, (line - 4) * height);
    this.#area.scrollIntoView({ block: "nearest" });
  }

  #showWhere() {
    if (document.activeElement !== this.#area || this.text.length > LARGE) return;
    const { line, column } = placeOf(this.text, this.#area.selectionStart);
    this.#where.textContent = `Line ${line}, column ${column}`;
  }
}
