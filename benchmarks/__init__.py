"""Measurements: how fast a hook call is, where its time goes, and whether memory stays flat."""
