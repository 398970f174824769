"""Real servers that the tests marked `servers` start and stop."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "a secret that stands in no file"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _postgres_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        pytest.skip("needs PostgreSQL's server, e.g. Debian's package postgresql")
    return found[-1].parent if found else Path(str(on_path)).parent


def _as_other_user() -> list[str]:
    """The server refuses to be root."""
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("PostgreSQL refuses root, and setpriv (util-linux), which would change the user, is not here")
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


@contextmanager
def postgres() -> Iterator[dict[str, str]]:
    """An empty database on a server of its own; gives the environment that deploy/postgres/dagster.yaml reads."""
    programs, user = _postgres_programs(), _as_other_user()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        (folder / "password").write_text(PASSWORD)
        if user:
            folder.chmod(0o755)
            for path in (folder, folder / "password"):
                shutil.chown(path, "nobody", "nogroup")
        data, port = folder / "data", free_port()

        def run(program: str, *arguments: str) -> None:
            done = subprocess.run(
                [*user, str(programs / program), *arguments], cwd=folder, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr

        run("initdb", "-D", str(data), "-U", "dagster", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield {
                "DAGSTER_PG_HOST": "127.0.0.1", "DAGSTER_PG_PORT": str(port), "DAGSTER_PG_DB": "postgres",
                "DAGSTER_PG_USER": "dagster", "DAGSTER_PG_PASSWORD": PASSWORD,
            }  # fmt: skip
        finally:
            run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@contextmanager
def object_store() -> Iterator[dict[str, str]]:
    """A server that speaks S3, with the empty bucket `tables`; gives the environment by which clients find it."""
    pytest.importorskip("moto.server", reason="needs moto's server: pip install -e .[servers]")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", "from moto.server import main; main()", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while not _made(f"{address}/tables"):
            assert time.monotonic() < deadline, "the object store did not start in time"
            time.sleep(0.2)
        yield {
            "AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": PASSWORD,
            "AWS_DEFAULT_REGION": "us-east-1",
        }  # fmt: skip
    finally:
        process.kill()
        process.wait()


def _made(bucket: str) -> bool:
    """Whether the server was there to make a bucket."""
    try:
        with urllib.request.urlopen(urllib.request.Request(bucket, method="PUT"), timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
