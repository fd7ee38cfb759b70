"""Bytes of a file that is damaged or cut while it is read are zeros where there are none, and nothing breaks."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path

import pytest

from ewm_ros.evaluation.bags import file_bytes
from ewm_ros.evaluation.bags.file_bytes import BLOCK, SECTOR, FileBytes


def test_slices_are_those_of_bytes(tmp_path: Path):
    content = random.Random(1).randbytes(3 * BLOCK + 100)
    (tmp_path / "file").write_bytes(content)
    rng = random.Random(2)
    with (tmp_path / "file").open("rb") as file:
        found = FileBytes(file.fileno())
        assert len(found) == len(content)
        for _ in range(300):
            begin, size = rng.randrange(len(content) + 50), rng.choice([1, 9, 300, BLOCK, 2 * BLOCK])
            assert found[begin : begin + size] == content[begin : begin + size]
        assert found[: len(content)] == content


def test_what_was_cut_off_meanwhile_is_zeros(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"x" * 5 * BLOCK)
    with (tmp_path / "file").open("rb") as file:
        found = FileBytes(file.fileno())
        assert found[:4] == b"xxxx"
        os.truncate(tmp_path / "file", 2 * BLOCK)
        assert found[2 * BLOCK - 2 : 2 * BLOCK + 2] == b"xx\0\0"
        assert found[4 * BLOCK : 4 * BLOCK + 2] == b"\0\0"


def test_of_a_bad_sector_only_that_sector_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_bytes(b"x" * 3 * BLOCK)
    bad = range(BLOCK + SECTOR, BLOCK + 2 * SECTOR)
    pread = os.pread

    def broken(descriptor: int, size: int, at: int) -> bytes:
        if at < bad.stop and bad.start < at + size:
            raise OSError(errno.EIO, "Input/output error")
        return pread(descriptor, size, at)

    monkeypatch.setattr(file_bytes.os, "pread", broken)
    with (tmp_path / "file").open("rb") as file:
        found = FileBytes(file.fileno())
        assert found[: 3 * BLOCK] == b"x" * bad.start + bytes(SECTOR) + b"x" * (3 * BLOCK - bad.stop)
    assert found.unreadable == SECTOR
