// Elements made from text that is only ever text.

/** An element with attributes and children; strings become text, never markup. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Take everything out of a node. */
export function clear(node) {
  node.replaceChildren();
}

/** A link; what is no web address stays text. */
export function anchor(label, url) {
  const isWeb = /^https?:\/\//i.test(url);
  return isWeb ? make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label) : `${label} (${url})`;
}

/** HTML that the service made from markdown, every tag of the author's escaped, as nodes. */
export function fragment(html) {
  const holder = make("div", { class: "detail" });
  holder.append(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  return holder;
}
