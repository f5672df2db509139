// Lays JSON text out in lines without reading its numbers, so that 0.80 stays 0.80.

/** The text with two spaces per level; text that is no JSON comes back as it is. */
export function indented(text) {
  if (!isJSON(text)) return text;
  const tokens = text.match(/"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s"{}[\],:]+/gs) ?? [];
  let depth = 0;
  let lines = "";
  tokens.forEach((token, index) => {
    const before = tokens[index - 1];
    if (token === "}" || token === "]") {
      depth = Math.max(0, depth - 1);
      lines += before === "{" || before === "[" ? token : line(depth) + token;
    } else {
      if (before === "{" || before === "[" || before === ",") lines += line(depth);
      if (before === ":") lines += " ";
      lines += token;
      if (token === "{" || token === "[") depth += 1;
    }
  });
  return lines;
}

function isJSON(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const line = (depth) => "\n" + "  ".repeat(depth);
