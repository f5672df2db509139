"""Scripts and style sheet are sent small to browsers that can read them so."""

from __future__ import annotations

import gzip
import json

import pytest
from web_parts import app, request_body

GZIP = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
def http():
    return app().test_client()


@pytest.mark.parametrize("path", ["/static/page.css", "/static/workbench.js"])
def test_a_browser_gets_the_same_file_in_fewer_bytes(http, path):
    with http.get(path) as plain, http.get(path, headers=GZIP) as small:
        assert small.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(small.data) == plain.data
        assert len(small.data) < len(plain.data) / 2
        assert small.mimetype == plain.mimetype
        assert int(small.headers["Content-Length"]) == len(small.data)


@pytest.mark.parametrize(
    "header", [{}, {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip;q=0"}]
)
def test_who_reads_no_gzip_gets_the_file_as_it_is(http, header):
    with http.get("/static/page.css", headers=header) as answer:
        assert "Content-Encoding" not in answer.headers
        assert "Accept-Encoding" in answer.vary
        assert b"body" in answer.data


def test_a_file_that_is_there_already_is_not_sent_again(http):
    with http.get("/static/page.css", headers=GZIP) as first:
        tag = first.headers["ETag"]

    with http.get("/static/page.css", headers=GZIP | {"If-None-Match": tag}) as again:
        assert (again.status_code, again.data) == (304, b"")


def test_a_missing_file_is_told_plainly(http):
    answer = http.get("/static/none.js", headers=GZIP)

    assert answer.status_code == 404
    assert answer.json["resourceType"] == "OperationOutcome"


def test_an_answer_about_a_patient_is_not_compressed(http):
    body = json.dumps(request_body())
    asked = GZIP | {"Content-Type": "application/json"}

    answer = http.post("/explain/inotuzumab-order-sign", data=body, headers=asked)

    assert "Content-Encoding" not in answer.headers
