"""The page about speed tells what was measured, nothing else."""

from __future__ import annotations

import pytest

from benchmarks.page import PAGE, told_results, with_blocks


def test_the_tables_are_those_of_the_results_that_the_page_links() -> None:
    """
    They are written by ``make bench`` and by ``python -m benchmarks --memory 100000``.
    """
    page = PAGE.read_text("utf-8")
    results = told_results(page)

    assert "bench" in results
    for kind, name in results.items():
        assert with_blocks(page, kind, name) == page


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    name = told_results(PAGE.read_text("utf-8"))["bench"]

    with pytest.raises(ValueError, match="no place for goals"):
        with_blocks("# Performance\n", "bench", name)
