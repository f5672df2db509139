// One card as an EHR shows it: urgency in word and shape, what it offers, and why it may be passed over.

import { anchor, clear, fragment, make } from "./dom.js";
import { indented } from "./indented.js";

const SHAPES = { critical: "✖", warning: "▲", info: "●" };

/**
 * The card as an element. `detailHtml` comes from the service's own markdown renderer; with `narrow`
 * it is folded away at first, as in a side bar.
 * `actionsOf(number)` tells the actions of a suggestion with resources as the text that was sent.
 * `onApply(suggestion, number)` and `onOverride({reason, comment})` do it and resolve to
 * {ok, words, changes?}; `onFire` sends the request again.
 */
export function cardElement(card, { detailHtml = "", actionsOf, onApply, onOverride, onFire, narrow = false }) {
  const title = make("h3", { tabindex: "-1" }, card.summary);
  const element = make("article", { class: `card ${card.indicator}`, "aria-label": `${card.indicator}: ${card.summary}` },
    make("p", { class: `indicator ${card.indicator}` }, make("span", { "aria-hidden": "true" }, SHAPES[card.indicator] ?? "■"), ` ${card.indicator}`),
    title);
  const outcome = make("div", { class: "done", role: "status" });
  const detail = detailOf(card, detailHtml);
  if (detail) element.append(foldedDetail(detail, narrow));
  element.append(sourceElement(card.source));
  const buttons = [];
  const act = async (button, doIt) => {
    for (const each of buttons) each.disabled = true;
    const done = await doIt();
    showOutcome(outcome, done, onFire);
    // What was stored is not told twice; what was not may be tried again.
    const isOver = (each) => each === button || card.selectionBehavior !== "any";
    for (const each of buttons) each.disabled = done.ok && isOver(each);
    if (!done.ok) button.focus();
  };
  if (card.suggestions) element.append(suggestionList(card, buttons, act, onApply, actionsOf));
  if (card.overrideReasons) element.append(overrideElement(card, buttons, act, onOverride));
  if (card.links) element.append(make("ul", { class: "links" }, ...card.links.map((link) => make("li", {}, anchor(link.label, link.url)))));
  element.append(outcome);
  return element;
}

function detailOf(card, html) {
  if (html) return fragment(html);
  return card.detail ? make("pre", { class: "detail" }, card.detail) : null;
}

function foldedDetail(detail, narrow) {
  const fold = make("details", { class: "fold" }, make("summary", {}, "Details"), detail);
  fold.open = !narrow;
  return fold;
}

function sourceElement(source) {
  const topic = source.topic ? ` · ${source.topic.code}` : "";
  return make("p", { class: "hint" }, "Source: ", source.url ? anchor(source.label, source.url) : source.label, topic);
}

function suggestionList(card, buttons, act, onApply, actionsOf) {
  const items = card.suggestions.map((suggestion, number) => {
    const button = make("button", { type: "button", class: "plain" }, suggestion.label);
    button.addEventListener("click", () => act(button, () => onApply(suggestion, number)));
    buttons.push(button);
    return make("li", {}, button, effectOf(suggestion.actions ?? [], () => actionsOf(number)));
  });
  const most = card.selectionBehavior === "any" ? "choose any" : "choose at most one";
  return make("div", { class: "suggestions" }, make("h4", {}, `Suggestions (${most})`), make("ul", {}, ...items));
}

function effectOf(actions, asSent) {
  if (!actions.length) return make("p", { class: "hint" }, "Advice only: nothing is changed in the orders.");
  const words = actions.map((action) => action.description).join("; ");
  return make("details", { class: "hint" }, make("summary", {}, words), actionList(asSent()));
}

function actionList(actions) {
  const items = actions.map((action) => {
    const what = action.resource ? indented(action.resource) : action.resourceId;
    return make("li", {}, make("strong", {}, action.type), make("pre", { tabindex: "0" }, what ?? ""));
  });
  return make("ul", {}, ...items);
}

function overrideElement(card, buttons, act, onOverride) {
  const [reasonId, commentId] = [`reason-${card.uuid}`, `comment-${card.uuid}`];
  const reasons = card.overrideReasons.map((reason, number) => make("option", { value: number }, reason.display));
  const select = make("select", { id: reasonId }, make("option", { value: "" }, "choose a reason"), ...reasons);
  const comment = make("input", { id: commentId, type: "text", maxlength: "2000", autocomplete: "off" });
  const button = make("button", { type: "button", class: "plain" }, "Override");
  const missing = make("p", { class: "problem", role: "alert" });
  buttons.push(button);
  select.addEventListener("change", () => clear(missing));
  button.addEventListener("click", () => {
    if (select.value === "") {
      missing.textContent = "Choose a reason first.";
      return select.focus();
    }
    act(button, () => onOverride({ reason: card.overrideReasons[Number(select.value)], comment: comment.value.trim() }));
  });
  return make("details", { class: "override" }, make("summary", {}, "Override"),
    make("div", { class: "field" }, make("label", { for: reasonId }, "Because"), select),
    make("div", { class: "field" }, make("label", { for: commentId }, "Comment"), comment),
    missing, make("p", {}, button));
}

function showOutcome(place, { ok, words, changes = [] }, onFire) {
  place.className = ok ? "done" : "done failure";
  place.replaceChildren(make("p", {}, words));
  if (changes.length) place.append(make("ul", { class: "changes" }, ...shortened(changes).map((each) => make("li", {}, each))));
  if (!ok) return;
  const again = make("button", { type: "button" }, "Fire again");
  again.addEventListener("click", onFire);
  place.append(again);
  again.focus();
}

const MOST_CHANGES = 8;

function shortened(changes) {
  const rest = changes.length - MOST_CHANGES;
  return rest > 0 ? [...changes.slice(0, MOST_CHANGES), `and ${rest} more`] : changes;
}
