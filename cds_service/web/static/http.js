// Calls to the service. What goes wrong comes back as an answer; nothing is thrown.

export const get = (path) => ask(path, {});
export const post = (path, text) => ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: text });

/** What an answer holds as JSON, undefined when it is none. */
export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The issues of an OperationOutcome; none when it is something else. */
export function issuesOf(text) {
  const issues = parsed(text)?.issue;
  return Array.isArray(issues) ? issues : [];
}

/** Status 0: the service could not be reached. `milliseconds` are as this page saw them. */
async function ask(path, options) {
  const begun = performance.now();
  try {
    const response = await fetch(path, options);
    const text = await response.text();
    const { ok, status, headers } = response;
    return { ok, status, statusText: `HTTP ${status}`, text, headers, milliseconds: since(begun) };
  } catch {
    const statusText = "the service could not be reached";
    return { ok: false, status: 0, statusText, text: "", headers: new Headers(), milliseconds: since(begun) };
  }
}

const since = (begun) => Math.round(performance.now() - begun);
