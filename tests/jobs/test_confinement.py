import os
from pathlib import Path

import pytest

from jobs.confinement import _descend, opened_within


def test_the_descriptor_is_of_the_folder_and_is_closed_afterwards(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with opened_within(str(tmp_path / "a" / "b"), [str(tmp_path)]) as descriptor:
        assert os.path.samestat(os.fstat(descriptor), (tmp_path / "a" / "b").stat())
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


@pytest.mark.parametrize("parts", [("link",), ("link", "below"), ("real", "link")])
def test_a_part_that_has_become_a_link_is_not_followed(tmp_path: Path, parts: tuple[str, ...]) -> None:
    (tmp_path / "outside" / "below").mkdir(parents=True)
    (tmp_path / "root" / "real").mkdir(parents=True)
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "root" / "real" / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(NotADirectoryError):
        _descend((tmp_path / "root").resolve(), parts)
