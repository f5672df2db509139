"""What a call made is gone when it is answered, without the garbage collector.

That one stops everything for as long as a call takes, and holds charts until it comes.
"""

from __future__ import annotations

import gc

from benchmarks.chart import order_sign_call
from benchmarks.client import PATH
from cds_service.app import create_app
from cds_service.settings import Settings

OF_LIBRARIES = 20
"""Objects that the web framework leaves behind for each request are eight, in its router."""


def test_a_call_leaves_nothing_of_its_chart_to_the_garbage_collector() -> None:
    """A chart whose parts hold each other would leave a thousand objects and more."""
    client = create_app(Settings.from_environment({})).test_client()

    def call() -> None:
        answer = client.post(PATH, data=order_sign_call(), content_type="application/json")
        assert answer.status_code == 200

    call()  # what is made once and kept is made now
    gc.collect()
    gc.disable()
    try:
        call()
        assert gc.collect() <= OF_LIBRARIES
    finally:
        gc.enable()
