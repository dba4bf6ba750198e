"""Who started this process, and how many: torchrun's and SLURM's environments."""

from __future__ import annotations

import contextlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.distributed.launch import first_host, launched, tasks_by_node
from engine.distributed.ranks import Ranks
from engine.errors import ConfigError, NascopeError

TORCHRUN = {
    "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "node1", "MASTER_PORT": "29400",
    "TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "1",
}  # fmt: skip
SRUN = {
    "SLURM_JOB_ID": "1234567", "SLURM_STEP_ID": "0", "SLURM_PROCID": "5", "SLURM_LOCALID": "1", "SLURM_NODEID": "1",
    "SLURM_STEP_NUM_TASKS": "8", "SLURM_STEP_TASKS_PER_NODE": "4(x2)", "SLURM_STEP_NODELIST": "gpu[07-08]", "SLURM_NTASKS": "8",
}  # fmt: skip


def test_torchrun():
    found = launched(TORCHRUN)
    assert found is not None
    assert (found.rank, found.size, found.local_rank, found.local_size) == (3, 4, 1, 2)
    assert (found.address, found.port, found.agent_keeps_store, found.attempt) == ("node1", 29400, True, "1")


def test_srun():
    found = launched(SRUN)
    assert found is not None
    assert (found.rank, found.size, found.local_rank, found.local_size) == (5, 8, 1, 4)
    assert (found.address, found.agent_keeps_store) == ("gpu07", False)
    assert 1024 < found.port < 32768
    assert found.port == launched(SRUN | {"SLURM_PROCID": "0", "SLURM_NODEID": "0"}).port
    assert launched(SRUN | {"MASTER_ADDR": "head", "MASTER_PORT": "5"}).address == "head"


def test_torchrun_within_a_task_of_slurm_counts():
    assert launched(SRUN | TORCHRUN).starter == "torchrun"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        TORCHRUN | {"WORLD_SIZE": "1", "RANK": "0"},
        {"WORLD_SIZE": "8", "RANK": "0"},  # left over, without a meeting place
        SRUN | {"SLURM_STEP_NUM_TASKS": "1"},
        {"SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_JOB_ID": "1"},  # the batch script itself
    ],
)
def test_a_process_that_stands_alone(environment):
    assert launched(environment) is None


@pytest.mark.parametrize("broken", [{"RANK": "one"}, {"WORLD_SIZE": "-2"}, {"MASTER_PORT": ""}])
def test_an_environment_that_says_no_number_is_named(broken):
    with pytest.raises(ConfigError, match=next(iter(broken))):
        launched(TORCHRUN | broken)


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("node1", "node1"),
        ("node[003-005,9],big1", "node003"),
        ("a[7,9]", "a7"),
        ("rack[1-2]n[04-05]", "rack1n04"),
        ("gpu-a,gpu-b", "gpu-a"),
    ],
)
def test_the_first_host_of_slurms_lists(nodes, first):
    assert first_host(nodes) == first


@given(st.lists(st.integers(1, 64), min_size=1, max_size=6))
def test_tasks_of_each_node(tasks):
    assert tasks_by_node(",".join(map(str, tasks))) == tasks
    assert tasks_by_node(",".join(f"{count}(x2)" for count in tasks)) == [count for count in tasks for _ in range(2)]


@given(st.text(alphabet=string.printable, max_size=30))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(NascopeError):
        assert all(count >= 0 for count in tasks_by_node(text))
    first_host(text)


@given(st.integers(0, 100), st.integers(0, 50), st.integers(1, 9))
def test_shares_cover_a_batch_once_and_evenly(start, count, size):
    shares = [Ranks(rank, size).share(start, start + count) for rank in range(size)]
    assert [place for first, last in shares for place in range(first, last)] == list(range(start, start + count))
    sizes = [last - first for first, last in shares]
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= Ranks(0, size).largest_share(count)
