// What was done with a card, told to the service as an EHR tells it.

import { issuesOf, post } from "./http.js";

/** Tell of one card; `ok`, and in words what became of it. */
export async function tell(service, item) {
  const at = new Date();
  const feedback = [{ ...item, outcomeTimestamp: at.toISOString() }];
  const answer = await post(`cds-services/${encodeURIComponent(service)}/feedback`, JSON.stringify({ feedback }));
  return { ok: answer.ok, words: answer.ok ? `Stored: ${item.outcome} at ${at.toTimeString().slice(0, 5)}.` : failure(answer) };
}

function failure({ status, statusText, text }) {
  if (status === 503) return "Not stored: the store is away. Try again.";
  const why = issuesOf(text).map((issue) => issue.diagnostics).filter(Boolean).join("; ");
  return `Not stored (${statusText})${why ? `: ${why}` : ""}.`;
}
