from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from settings.jobs import celery_jobs, commands, named_secrets, rules, secret_keys, task_limits


def test_pairs_become_a_mapping() -> None:
    assert celery_jobs(["a.b=x.y.z", " c = x.y "]) == {"a.b": "x.y.z", "c": "x.y"}
    assert celery_jobs([]) == {}


@pytest.mark.parametrize("pair", ["a.b", "=x.y", "a.b=", "a.b=x", "a b=x.y", "a.b=x.y;z", "a.b=x..y"])
def test_what_is_no_pair_is_refused(pair: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"TANDEM_CELERY_JOBS .* write job\.name=package\.module\.task"):
        celery_jobs([pair])


def test_commands_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "commands.json").write_text('{"sync": {"argv": ["/bin/true"]}}')
    assert commands(str(tmp_path / "commands.json")) == {"sync": {"argv": ["/bin/true"]}}
    assert commands("") == {}


@pytest.mark.parametrize("content", [None, "", "[]", "{", b"\xff"])
def test_a_file_that_holds_no_object_stops_the_start(tmp_path: Path, content: str | bytes | None) -> None:
    path = tmp_path / "commands.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ImproperlyConfigured, match="TANDEM_COMMANDS_FILE"):
        commands(str(path))


def test_limits_of_tasks_are_json() -> None:
    assert task_limits('{"queue:slow": {"concurrency": 2}}') == {"queue:slow": {"concurrency": 2}}
    assert task_limits("") == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"slow": {"concurrency": 2}}', '{"queue:slow": {"concurrency": 0}}'])
def test_limits_that_cannot_be_applied_stop_the_start(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"TANDEM_TASK_LIMITS is .*: .*write"):
        task_limits(text)


def test_keys_are_separated_by_commas_or_lines() -> None:
    one, two = "A" * 43 + "=", "b-_9" * 10 + "abc="
    assert secret_keys(f"{one},{two}") == secret_keys(f"\n{one}\n {two}\n") == [one, two]
    assert secret_keys("") == []


def test_a_key_that_is_none_stops_the_start_and_is_not_told() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"key 2 is no 32 bytes .* Write what python -c") as refused:
        secret_keys("A" * 43 + "=,hunter2")
    assert "hunter2" not in str(refused.value)


def test_secrets_are_named_after_their_variables() -> None:
    assert named_secrets({"SHOP_TOKEN": "abc", "EMPTY": "", "KEYS": "a setting"}) == {"shop-token": "abc"}


def test_rules_are_a_json_list_of_objects() -> None:
    assert rules("TANDEM_ROUTING", "", example="{}") is None
    assert rules("TANDEM_ROUTING", '[{"backend": "beat"}]', example="{}") == [{"backend": "beat"}]


@pytest.mark.parametrize("text", ["beat", "{}", "[1]", "null"])
def test_what_is_no_list_of_objects_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^TANDEM_ROUTING is no JSON list of objects: write \[{..}\]\.$"):
        rules("TANDEM_ROUTING", text, example="{..}")
