// A call as a command of the POSIX shell.

/** curl with the body in a here-document, in which the shell reads nothing as its own. */
export function asCurl(url, body) {
  const lines = new Set(body.split("\n"));
  let end = "REQUEST";
  while (lines.has(end)) end += "_";
  return `curl -sS -X POST ${quoted(url)} \\\n  -H 'Content-Type: application/json' \\\n  --data-binary @- <<'${end}'\n${body}\n${end}\n`;
}

/** A word that the shell takes as it is. */
export const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;
