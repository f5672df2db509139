"""What we leave out of the framework changes no answer."""

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.test import EnvironBuilder

from cds_service.web import App

hosts = st.sampled_from(
    ["localhost", "EHR.example.org", "ehr.example.org:8443", "[::1]:80", "ä.de", "a b"]
)
paths = st.text(st.sampled_from(["/", "a", "B", "%", "ä", " ", ".", "\x7f"]), max_size=8)
LEAN, USUAL = App("cds_service.web"), Flask("cds_service.web")


@given(hosts, paths, st.sampled_from(["", "/under"]), st.sampled_from(["", "a=1", "ä=%ff&b"]))
def test_an_address_is_looked_up_as_the_framework_does(host, path, root, query):
    builder = EnvironBuilder(f"/{path}", query_string=query)
    environ = builder.get_environ() | {"HTTP_HOST": host, "SCRIPT_NAME": root}

    def looked_up(service):
        asked = service.request_class(environ)
        try:
            adapter = service.create_url_adapter(asked)
        except HTTPException as refused:
            return type(refused)
        # Slashes in front of the path are put right when it is matched.
        return {**vars(adapter), "map": None, "path_info": f"/{adapter.path_info.lstrip('/')}"}

    assert looked_up(LEAN) == looked_up(USUAL)
