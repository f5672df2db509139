"""What a worker holds between calls is bounded, however many it answers."""

from __future__ import annotations

import ctypes
import gc
import platform
import subprocess
import sys
import weakref
from types import SimpleNamespace

import pytest

from cds_service import server

HEAPS_OF_THREADS = """
import ctypes, tempfile, threading
from cds_service.server import share_one_heap

share_one_heap()
library, together = ctypes.CDLL(None), threading.Barrier(8)
library.malloc.restype = library.fopen.restype = ctypes.c_void_p

def take():
    together.wait()
    library.malloc(5_000)
    together.wait()

threads = [threading.Thread(target=take) for _ in range(8)]
for each in threads: each.start()
for each in threads: each.join()
with tempfile.NamedTemporaryFile() as told:
    file = ctypes.c_void_p(library.fopen(told.name.encode(), b"w"))
    library.malloc_info(0, file)
    library.fclose(file)
    print(told.read().count(b"<heap nr="))
"""


class Held:
    """Something that holds itself, as what the web framework leaves behind does."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.parametrize(("answered", "is_freed"), [(499, False), (500, True), (1000, True)])
def test_what_holds_itself_is_freed_after_every_five_hundredth_answer(
    answered: int, is_freed: bool
) -> None:
    held = weakref.ref(Held())
    gc.disable()
    try:
        server.tidy(SimpleNamespace(nr=answered), None, {}, None)
        assert (held() is None) is is_freed
    finally:
        gc.enable()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has several heaps")
def test_all_threads_of_a_worker_take_from_one_heap() -> None:
    asked = subprocess.run(
        [sys.executable, "-c", HEAPS_OF_THREADS],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    assert int(asked.stdout) == 1


def test_a_c_library_without_the_choice_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    server.share_one_heap()
