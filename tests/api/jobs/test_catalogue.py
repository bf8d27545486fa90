"""/api/jobs/: the catalogue."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from scheduling import registry
from tests.api.conformance import CheckedClient

JOBS = "/api/jobs/"


def test_every_job_comes_with_a_valid_json_schema(viewer: CheckedClient) -> None:
    jobs = viewer.get(JOBS).json()
    assert [job["name"] for job in jobs] == [job.name for job in registry.definitions()]
    assert {"demo.process_data", "http.fetch"} <= {job["name"] for job in jobs}
    for job in jobs:
        Draft202012Validator.check_schema(job["parameters"])
        assert job["parameters"]["type"] == "object"
        assert job["parameters"]["additionalProperties"] is False
        assert job["description"].startswith(job["summary"])


def test_the_schema_says_what_the_service_takes(viewer: CheckedClient) -> None:
    schema = viewer.get(f"{JOBS}demo.process_data/").json()["parameters"]
    validator = Draft202012Validator(schema)
    assert validator.is_valid({})
    assert validator.is_valid({"steps": 5, "pause": 0.5})
    for wrong in ({"steps": 0}, {"steps": 1001}, {"steps": "5"}, {"pause": 61}, {"other": 1}):
        assert not validator.is_valid(wrong)


@pytest.mark.parametrize("name", ["nothing", "demo.process_dat", "x" * 3000, "%00", "%ED%A0%80", "%FF", "a%2Fb"])
def test_a_job_that_is_not_there_is_not_found(viewer: CheckedClient, name: str) -> None:
    response = viewer.get(f"{JOBS}{name}/")
    assert response.status_code == 404
    assert response.json()["code"] in {"unknown_job", "not_found"}


def test_a_near_miss_is_told_the_right_name(viewer: CheckedClient) -> None:
    assert "demo.process_data" in viewer.get(f"{JOBS}demo.process_dat/").json()["detail"]
