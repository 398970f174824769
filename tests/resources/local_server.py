"""A publisher's server on this machine that can be told to misbehave: cut, stall, corrupt, 404, 503."""

import threading
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """What a server holds and does.

    Attributes:
        files: Path -> bytes.
        faults: Path -> faults of the coming answers, in order; then it behaves. A fault is `cut`, `stall`, `corrupt` or
            a status code.
        asked: (path, Range header or None) of every GET.
        has_tags: Whether answers carry an ETag.
    """

    def __init__(self, files):
        self.files, self.faults, self.asked, self.has_tags = dict(files), {}, [], True
        self.done = threading.Event()
        self.url = ""

    def tag(self, path):
        return f'"{hash(self.files[path]) & 0xFFFFFF:x}"'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer(is_head=True)

    def do_GET(self):
        self._answer(is_head=False)

    def _answer(self, *, is_head):
        site, asked = self.site, self.headers.get("Range")
        if not is_head:
            site.asked.append((self.path, asked))
        faults = site.faults.get(self.path, [])
        fault = faults.pop(0) if faults and not is_head else None
        status = fault if isinstance(fault, int) else 200 if self.path in site.files else 404
        if status != 200:
            return self._head(status, 0)
        body = site.files[self.path]
        first = 0
        if asked and self.headers.get("If-Range") == site.tag(self.path) and site.has_tags:
            first = int(asked.removeprefix("bytes=").rstrip("-"))
        if first > len(body) or (asked and first == len(body)):
            return self._head(416, 0)
        self._head(206 if first else 200, len(body) - first, site.tag(self.path) if site.has_tags else None)
        if is_head:
            return None
        rest = body[first:]
        half = rest[: len(rest) // 2]
        if fault == "corrupt":
            rest = b"\0" + rest[1:]
        elif fault in ("cut", "stall"):
            rest = half
        self.wfile.write(rest)
        self.wfile.flush()
        if fault == "stall":
            site.done.wait()  # until the test is over: the client has to lose patience
        if fault in ("cut", "stall"):
            self.close_connection = True
        return None

    def _head(self, status, length, tag=None):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("X-Made", formatdate(0))
        if tag:
            self.send_header("ETag", tag)
        self.end_headers()


@contextmanager
def serving(files):
    """A `Site` that serves `files` until the block ends."""
    site = Site(files)
    handler = type("Handler", (_Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        site.done.set()
        server.shutdown()
        thread.join()
        server.server_close()
