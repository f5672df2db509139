"""Verdicts become cards: words, suggestions and the order in which a clinician meets them."""
