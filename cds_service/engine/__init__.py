"""The engine: rules times facts, judged twice."""
