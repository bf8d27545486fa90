"""The Python client that is generated from the OpenAPI document."""

from __future__ import annotations

import json
from pathlib import Path

from stack import client
from tests.api.conformance import openapi


def test_the_generator_understands_the_whole_document(tmp_path: Path) -> None:
    document, to = tmp_path / "openapi.json", tmp_path / "client"
    document.write_text(json.dumps(openapi()))
    assert client.package(document, to) == 0
    package = to / "tandem_client"
    compile((package / "api" / "schedules" / "schedules_create.py").read_text(), "schedules_create.py", "exec")
    models = {path.stem for path in (package / "models").iterdir()}
    assert {"problem", "schedule", "schedule_input", "task", "task_status", "overlap"} <= models
    # Choices have names of their own, and are not called after the first thing that has them.
    assert {name for name in models if name.endswith("_enum")} == {"blank_enum"}
