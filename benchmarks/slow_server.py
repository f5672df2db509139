"""A FHIR server that takes its time: every answer is ready beforehand and sent after a while.

It runs in a thread of the caller, who has nothing else to do while the service asks.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import unquote


class SlowServer:
    """Answers GET on loopback; ``answers`` are by path and query below the base, decoded."""

    def __init__(self, answers: Mapping[str, object], seconds: float) -> None:
        self.port = 0
        self.most_at_once = 0
        """The most requests that ever waited for their answers together."""
        self.asked = 0
        self.connections = 0
        self._answers = {f"/{path}": json.dumps(each).encode() for path, each in answers.items()}
        self._seconds = seconds
        self._waiting = 0
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> asyncio.Server:
        """Listen."""
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, backlog=128)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def hang_up(self) -> None:
        """End every conversation."""
        for writer in self._open:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode("ascii"):
                writer.write(await self._answer(unquote(head.split(" ", 2)[1])))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, path: str) -> bytes:
        self.asked += 1
        self._waiting += 1
        self.most_at_once = max(self.most_at_once, self._waiting)
        await asyncio.sleep(self._seconds)
        self._waiting -= 1
        body = self._answers[path]
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(body)}"
        )
        return f"{head}\r\n\r\n".encode() + body


@contextmanager
def slow_server(answers: Mapping[str, object], seconds: float) -> Iterator[SlowServer]:
    """One that listens, until the end of the block."""
    server, loop = SlowServer(answers, seconds), asyncio.new_event_loop()
    listens, ended = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with await server.start():
            listens.set()
            await ended.wait()
            server.hang_up()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    listens.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop)))
        loop.close()
