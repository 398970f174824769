"""OpenVINO works and reports to nobody."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_openvino__is_imported_without_its_telemetry(tmp_path):
    program = (
        "import sys; from builder_assets.base_model import cpu_scoring, engines; "
        "from resources.openvino_runtime import ov; "
        "assert 'openvino.tools.ovc.telemetry_stub' in sys.modules; "
        "assert not [name for name in sys.modules if name.startswith('openvino_telemetry.')]; "
        "print(ov.Core().available_devices)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True,
        env=os.environ | {"HOME": str(tmp_path)},
    )  # fmt: skip
    assert "CPU" in done.stdout
    assert not (tmp_path / "intel").exists()


def test_openvino__is_imported_through_the_runtime_module_only():
    direct = re.compile(r"^\s*(import openvino|from openvino)\b", re.MULTILINE)
    sources = [
        path for folder in ("builder_assets", "resources", "benchmarks") for path in (ROOT / folder).rglob("*.py")
    ]
    found = [path.name for path in sources if direct.search(path.read_text(encoding="utf-8"))]
    assert found == ["openvino_runtime.py"]
