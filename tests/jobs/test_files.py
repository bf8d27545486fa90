import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from jobs.confinement import FolderRefused
from scheduling.errors import InvalidRequest
from scheduling.registry import definition
from scheduling.storable import problem_with
from tests.jobs.contexts import Recorder


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> Path:
    """The one folder that jobs may clean."""
    folder = tmp_path / "root"
    folder.mkdir()
    settings.TANDEM_FILES_ROOTS = [str(folder)]
    return folder


def put(path: Path, *, days: float = 10, size: int = 3) -> Path:
    """Make a file that was last changed that many days ago, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    os.utime(path, (then, then))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def clean(folder: Path | str, recorder: Recorder | None = None, **parameters: object) -> dict[str, object]:
    """The job's result, which the ledger must be able to keep; `days` is 7 unless given."""
    asked = {"folder": str(folder), "days": 7, **parameters}
    result = definition("files.clean").run((recorder or Recorder()).context, asked)  # type: ignore[arg-type]  # tests pass JSON
    assert isinstance(result, dict)
    assert problem_with(result, most_bytes=100_000) == ""
    return result


def test_old_files_go_and_new_ones_stay(root: Path) -> None:
    old, new = put(root / "old", days=7.01, size=5), put(root / "new", days=6.99)
    assert clean(root) == {"deleted": 1, "bytes": 5, "kept": 1, "errors": []}
    assert not old.exists()
    assert new.exists()


def test_zero_days_means_every_file_that_is_there(root: Path) -> None:
    put(root / "a", days=0)
    put(root / "future", days=-1)
    assert clean(root, days=0)["deleted"] == 1
    assert names(root) == ["future"]


def test_only_names_that_match_are_looked_at(root: Path) -> None:
    for name in ("a.log", "b.LOG", "c.txt", ".d.log"):
        put(root / name)
    assert clean(root, pattern="*.log") == {"deleted": 2, "bytes": 6, "kept": 0, "errors": []}
    assert names(root) == ["b.LOG", "c.txt"]


def test_folders_below_are_cleaned_only_when_asked_and_never_deleted(root: Path) -> None:
    deep = put(root / "a" / "b" / "old")
    assert clean(root)["deleted"] == 0
    assert clean(root, recursive=True)["deleted"] == 1
    assert not deep.exists()
    assert deep.parent.is_dir()


def test_a_dry_run_counts_and_deletes_nothing(root: Path) -> None:
    file = put(root / "old", size=7)
    assert clean(root, dry_run=True) == {"deleted": 1, "bytes": 7, "kept": 0, "errors": []}
    assert file.exists()


def test_links_are_neither_deleted_nor_followed(root: Path, tmp_path: Path) -> None:
    outside = put(tmp_path / "outside" / "old")
    (root / "file").symlink_to(outside)
    (root / "folder").symlink_to(outside.parent)
    assert clean(root, recursive=True) == {"deleted": 0, "bytes": 0, "kept": 0, "errors": []}
    assert outside.exists()
    assert names(root) == ["file", "folder"]


def test_pipes_are_left_alone(root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert clean(root, days=0)["deleted"] == 0
    assert (root / "pipe").exists()


def test_a_folder_outside_is_refused_whether_it_exists_or_not(root: Path, tmp_path: Path) -> None:
    file = put(tmp_path / "rooted" / "old")
    for folder in (tmp_path, file.parent, tmp_path / "missing", f"{root}/../rooted", "/"):
        with pytest.raises(FolderRefused, match="lies outside of what the setting TANDEM_FILES_ROOTS allows"):
            clean(folder)
    assert file.exists()


def test_a_link_out_of_the_root_is_refused_as_the_folder(root: Path, tmp_path: Path) -> None:
    file = put(tmp_path / "outside" / "old")
    (root / "link").symlink_to(file.parent)
    with pytest.raises(FolderRefused, match="lies outside"):
        clean(root / "link")
    assert file.exists()


def test_a_link_that_stays_inside_may_name_the_folder(root: Path, tmp_path: Path, settings: Settings) -> None:
    put(root / "real" / "old")
    (root / "link").symlink_to(root / "real")
    (tmp_path / "root-link").symlink_to(root)
    settings.TANDEM_FILES_ROOTS = ["/nonexistent", str(tmp_path / "root-link")]
    assert clean(root / "link")["deleted"] == 1


def test_without_roots_nothing_can_be_cleaned(root: Path, settings: Settings) -> None:
    settings.TANDEM_FILES_ROOTS = []
    with pytest.raises(FolderRefused):
        clean(root)


def test_a_missing_folder_and_a_file_and_a_loop_are_refused(root: Path) -> None:
    put(root / "file")
    (root / "loop").symlink_to(root / "loop")
    for name in ("missing", "file", "loop"):
        with pytest.raises(FolderRefused, match="cannot be"):
            clean(root / name)


def test_progress_ends_with_every_entry_looked_at(root: Path) -> None:
    for number in range(2005):
        put(root / str(number))
    recorder = Recorder()
    assert clean(root, recorder)["deleted"] == 2005
    assert [(done, total) for done, total, _ in recorder.reports] == [
        (0, 2005),
        (1000, 2005),
        (2000, 2005),
        (2005, 2005),
    ]


def test_it_stops_when_cancelled_and_tells_how_far_it_came(root: Path) -> None:
    for number in range(1500):
        put(root / f"a{number}")
    recorder = Recorder()
    recorder.cancel_when = lambda: len(recorder.reports) > 1
    assert clean(root, recorder)["deleted"] == 1000
    assert len(names(root)) == 500


def test_errors_are_told_and_bounded(root: Path) -> None:
    # Nested too deep is an error that root, who runs tests in containers, meets as well.
    for number in range(25):
        folder = root / str(number)
        folder.mkdir()
        descriptor = os.open(folder, os.O_RDONLY)
        for _ in range(101):
            os.mkdir("d", dir_fd=descriptor)
            below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        os.close(descriptor)
    errors = clean(root, recursive=True)["errors"]
    assert isinstance(errors, list)
    assert len(errors) == 21
    assert errors[0].endswith("more than 100 folders deep")
    assert errors[-1] == "and 5 more"


def test_a_name_that_is_not_utf_8_is_cleaned_like_any_other(root: Path) -> None:
    path = os.fsencode(root) + b"/\xff\xfe"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    os.utime(path, (0, 0))
    assert clean(root)["deleted"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"folder": "logs"},
        {"folder": ""},
        {"days": -1},
        {"days": "x"},
        {"pattern": "a/b"},
        {"pattern": ""},
        {"force": True},
    ],
)
def test_parameters_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        definition("files.clean").check({"folder": "/tmp/x", "days": 1} | wrong)


def test_days_must_be_said() -> None:
    with pytest.raises(InvalidRequest, match="required"):
        definition("files.clean").check({"folder": "/tmp/x"})
