"""What was shown, why, and what the clinician did; and the token ids that were seen."""
