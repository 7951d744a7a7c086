"""Files on servers, and data sets in stores: a web server of our own, S3 as moto plays it, the embedded store."""

from __future__ import annotations

import re
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import rntuple
from .conftest import DIMUON

Options = dict[str, object]


class Ranges(BaseHTTPRequestHandler):
    """Serves the file of the examples, in ranges; what it was asked for stays in its server."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        content = DIMUON.read_bytes()
        if self.path != "/dir/dimuon.root":
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", "bytes=0-"))
        assert asked is not None
        first, last = asked.groups()
        start = int(first) if first else len(content) - int(last)
        stop = min(int(last) + 1, len(content)) if first and last else len(content)
        part = content[start:stop] if self.command == "GET" else b""
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
        self.send_header("Content-Length", str(stop - start))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ranges)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def s3() -> Iterator[Options]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/bucket", method="PUT"), timeout=10).close()
    yield {
        "aws_endpoint": endpoint,
        "aws_region": "us-east-1",
        "aws_access_key_id": "key",
        "aws_secret_access_key": "secret",
        "allow_http": True,
    }
    server.stop()


DATA = {"run": np.arange(5000), "pt": [[0.5] * (n % 4) for n in range(5000)]}


def write(uri: str, options: Options | None) -> None:
    with rntuple.create(uri, storage_options=options) as file:
        file["Events"] = DATA


def same(events: rntuple.NTuple) -> None:
    table = events.arrays(library="pa")
    assert table["run"].to_pylist() == DATA["run"].tolist()  # type: ignore[attr-defined]
    assert table["pt"].to_pylist() == DATA["pt"]


def test_web_server(web: str) -> None:
    expected = rntuple.open(f"{DIMUON}:Events").arrays(library="pa")
    for events in (
        rntuple.open(f"{web}/dir/dimuon.root")["Events"],
        rntuple.open(f"{web}/dir/dimuon.root:Events"),
        rntuple.open({f"{web}/dir/dimuon.root": "Events"}, storage_options={"timeout": 5.0, "retries": 1}),
    ):
        assert events.arrays(library="pa").equals(expected)
    parts = [part.num_rows for part in rntuple.iterate(f"{web}/dir/dimuon.root:Events", step_size=300, library="pa")]
    assert sum(parts) == 1000 and len(parts) > 1
    with pytest.raises(rntuple.NotFoundError, match=r"/dir/nothing\.root"):
        rntuple.open(f"{web}/dir/nothing.root")


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(rntuple.StorageError, match="127.0.0.1:9"):
        rntuple.open("http://127.0.0.1:9/file.root", storage_options={"retries": 0, "timeout": 2})
    with pytest.raises(rntuple.ArgumentError, match="timeout"):
        rntuple.open("http://127.0.0.1:9/file.root", storage_options={"timeout": -1})


def test_s3_file(s3: Options) -> None:
    write("s3://bucket/some/file.root", s3)
    same(rntuple.open("s3://bucket/some/file.root:Events", storage_options=s3))
    with pytest.raises(rntuple.NotFoundError, match="other.root"):
        rntuple.open("s3://bucket/some/other.root", storage_options=s3)


def test_s3_options_from_the_environment(s3: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.items():
        monkeypatch.setenv("AWS_ALLOW_HTTP" if name == "allow_http" else name.upper(), str(value).lower())
    # Without a dict the connections of the process are shared, which other tests may have made.
    write("s3://bucket/environment.root", {})
    same(rntuple.open("s3://bucket/environment.root:Events", storage_options={}))


def test_an_exception_leaves_no_object(s3: Options) -> None:
    with pytest.raises(RuntimeError, match="enough"), rntuple.create("s3://bucket/half.root", storage_options=s3) as file:
        file["Events"] = DATA
        raise RuntimeError("enough")
    with pytest.raises(rntuple.NotFoundError):
        rntuple.open("s3://bucket/half.root", storage_options=s3)


def test_s3_objects(s3: Options) -> None:
    write("ntpl+s3://bucket/objects/Events", s3)
    same(rntuple.open("ntpl+s3://bucket/objects/Events", storage_options=s3)["Events"])


def test_embedded_store(tmp_path: Path) -> None:
    write(f"kv+file://{tmp_path}/store#run1/Events", None)
    same(rntuple.open(f"kv+file://{tmp_path}/store#run1/Events")["Events"])
    assert rntuple.open(f"kv+file://{tmp_path}/store#run1").keys() == ["Events"]


def test_many_files_of_a_server(s3: Options) -> None:
    for number in range(3):
        write(f"s3://bucket/many/{number}.root", s3)
    files = [f"s3://bucket/many/{number}.root:Events" for number in range(3)]
    array = rntuple.concatenate(files, ["run"], library="np", storage_options=s3)
    assert array["run"].tolist() == DATA["run"].tolist() * 3  # type: ignore[attr-defined]


def test_an_option_that_no_service_knows(s3: Options) -> None:
    with pytest.raises(rntuple.Error, match="anonymous"):
        rntuple.open("s3://bucket/some/file.root", storage_options={"anonymous": True})
