"""OpenVINO, imported so that it reports to nobody. Import it from here only.

On import, OpenVINO tells its makers so through the package `openvino_telemetry`, unless that is missing; then it
falls back to a stub. This project sends nothing anywhere, so the package is made to be missing.
"""

import sys

sys.modules["openvino_telemetry"] = None  # pyright: ignore[reportArgumentType]

import openvino as ov  # noqa: E402
from openvino import opset13 as op  # noqa: E402

__all__ = ["op", "ov"]
