"""A container's limits are the machine's, for whoever runs in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from epdcli import machine


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    (tmp_path / "root" / "outer" / "inner").mkdir(parents=True)
    return tmp_path


def mine(groups: Path, line: str) -> Path:
    path = groups / "cgroup"
    path.write_text(line + "\n")
    return path


def meminfo(groups: Path, total: int, available: int) -> Path:
    path = groups / "meminfo"
    path.write_text(f"MemTotal: {total} kB\nMemAvailable: {available} kB\nHugePages_Total: 0\n")
    return path


def test_the_smallest_quota_of_all_groups_around_counts(groups: Path) -> None:
    (groups / "root" / "outer" / "cpu.max").write_text("150000 100000\n")
    (groups / "root" / "outer" / "inner" / "cpu.max").write_text("max 100000\n")
    assert machine.cpu_quota(mine(groups, "0::/outer/inner"), groups / "root") == 1.5


def test_version_1_of_the_groups_is_read_too(groups: Path) -> None:
    folder = groups / "root" / "cpu" / "outer"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text("50000")
    (folder / "cpu.cfs_period_us").write_text("100000")
    assert machine.cpu_quota(mine(groups, "3:cpu:/outer"), groups / "root") == 0.5
    (folder / "cpu.cfs_quota_us").write_text("-1")
    assert machine.cpu_quota(mine(groups, "3:cpu:/outer"), groups / "root") is None


def test_memory_is_the_containers_where_that_is_less(groups: Path) -> None:
    (groups / "root" / "outer" / "memory.max").write_text("1000000\n")
    (groups / "root" / "outer" / "memory.current").write_text("400000\n")
    held = machine.memory(mine(groups, "0::/outer"), groups / "root", meminfo(groups, 8000, 6000))
    assert held == machine.Memory(1_000_000, 600_000)


def test_memory_is_the_systems_where_no_container_limits_it(groups: Path) -> None:
    (groups / "root" / "outer" / "memory.max").write_text("max\n")
    held = machine.memory(mine(groups, "0::/outer"), groups / "root", meminfo(groups, 8000, 6000))
    assert held == machine.Memory(8_192_000, 6_144_000)


def test_what_the_system_does_not_say_is_unknown(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert machine.memory(nowhere, nowhere, nowhere) == machine.Memory(None, None)
    assert machine.cpu_quota(nowhere, nowhere) is None


def test_free_disk_of_a_folder_to_be_is_that_of_the_one_around_it(tmp_path: Path) -> None:
    assert machine.free_disk(tmp_path / "not" / "there" / "yet") > 0


def test_this_process_has_held_more_than_it_can_without() -> None:
    assert machine.peak_memory() > 10_000_000 and machine.usable_cores() > 0
