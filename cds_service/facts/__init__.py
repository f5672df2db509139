"""Facts: what the chart states, typed, dated and with its source."""
