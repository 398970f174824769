"""The 16-bit checksum of BSD's `sum`, which Ensembl publishes: rotated right by one bit before each byte is added.

Each byte's step needs the one before, so NumPy cannot do it and a Python loop takes minutes per gigabyte; XLA compiles
the loop to about two nanoseconds a byte.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

CHUNK = 1 << 22  # one shape, compiled once


def bsd_sum(path: Path) -> tuple[int, int]:
    """Checksum and number of blocks of 1,024 bytes (the last one may be partial), as `sum -r` prints them."""
    import jax  # not at import time: who only reads tables needs none of it

    total, size = np.uint32(0), 0
    with path.open("rb") as file, jax.default_device(jax.devices("cpu")[0]):
        while block := file.read(CHUNK):
            padded = np.zeros(CHUNK, dtype=np.uint8)
            padded[: len(block)] = np.frombuffer(block, dtype=np.uint8)
            total = _compiled()(total, padded, len(block))
            size += len(block)
    return int(total), -(-size // 1024)


@cache
def _compiled() -> Any:
    import jax
    import jax.numpy as jnp

    def added(total: Any, block: Any, n: Any) -> Any:
        def step(i: Any, before: Any) -> Any:
            rotated = (before >> 1) + ((before & 1) << 15)
            return (rotated + block[i].astype(jnp.uint32)) & jnp.uint32(0xFFFF)

        return jax.lax.fori_loop(0, n, step, total)

    return jax.jit(added)
