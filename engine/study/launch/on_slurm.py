"""Members as jobs of SLURM, by submitit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import NascopeError
from engine.study.launch.base import Task, Work
from engine.study.launch.remote import carry_out

_MANY = 1000
_DEFAULTS: dict[str, Any] = {"timeout_min": 24 * 60}


class SlurmLauncher:
    """One job a member. The study's process only waits and hands over what became ready; jobs outlive it.

    Args:
        folder: for submitit's scripts and logs; on the file system that all nodes share.
        asked: submitit's parameters (``timeout_min``, ``slurm_partition``, ``gpus_per_node``, ...). ``cluster`` names
            another of submitit's executors: ``local`` runs jobs on this machine, to try a study without a cluster.
        slots: jobs handed over at a time; None hands over all that are ready.
    """

    def __init__(self, folder: Path, asked: Mapping[str, Any], slots: int | None = None) -> None:
        try:
            import submitit
        except ImportError:
            mend = "Install it: pip install 'nascope[cluster]'. (--engine local needs nothing.)"
            raise NascopeError("submitit is not installed.", where="--engine slurm", mend=mend) from None
        self.slots = slots or _MANY
        self._folder = folder
        self._submitit: Any = submitit
        parameters = {**_DEFAULTS, **asked}
        self._cluster = str(parameters.pop("cluster", "slurm"))
        try:
            self._executor: Any = submitit.AutoExecutor(folder=folder, cluster=self._cluster)
            self._executor.update_parameters(name="nascope", **parameters)
        except Exception as error:
            text = " ".join(str(error).split())[:300] or type(error).__name__
            raise NascopeError(f"SLURM cannot be used: {text}", where="--engine slurm", mend="Mend slurm in the file, or run where sbatch is.") from None  # fmt: skip

    def start(self, task: Task) -> SlurmWork:
        """Submit a member.

        Raises:
            OSError: SLURM refused it.
        """
        try:
            job = self._executor.submit(carry_out, list(task.words), str(task.stdout), str(task.stderr), task.is_tied)
        except Exception as error:
            raise OSError(f"SLURM refused the job: {' '.join(str(error).split())[:300]}") from error
        return SlurmWork(job)

    def find(self, job: Mapping[str, Any]) -> Work | None:
        """A job that an earlier process submitted and that still waits or runs."""
        number = job.get("slurm")
        if not isinstance(number, str) or self._cluster != "slurm":
            return None
        work = SlurmWork(self._submitit.SlurmJob(self._folder, number))
        return work if work.poll() is None else None

    def close(self) -> None:
        """Jobs that were submitted go on."""


class SlurmWork:
    """A job."""

    def __init__(self, job: Any) -> None:
        self._job = job
        self._code: int | None = None

    def poll(self) -> int | None:
        """The member's exit code; 1 where the job ended without one (out of time, a node that died)."""
        if self._code is None and self._job.done():
            try:
                self._code = int(self._job.result())
            except Exception:  # The run's folder tells how far it came.
                self._code = 1
        return self._code

    def stop(self) -> None:
        """Cancel the job: SLURM's SIGTERM lets the member save."""
        if self.poll() is None:
            self._job.cancel(check=False)

    def kill(self) -> None:
        """The same; SLURM kills what does not end."""
        self.stop()

    def as_json(self) -> dict[str, Any]:
        """The job's number."""
        return {"slurm": str(self._job.job_id)}
