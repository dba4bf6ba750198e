"""Members as tasks on Ray: a cluster that runs already, or one that Ray starts here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import NascopeError
from engine.study.launch.base import Task, Work
from engine.study.launch.remote import carry_out

_MANY = 1000


class RayLauncher:
    """One Ray task a member. ``RAY_ADDRESS`` names the cluster, as everywhere with Ray.

    Args:
        slots: tasks handed over at a time; None hands over all that are ready, and Ray lets them wait.
    """

    def __init__(self, slots: int | None = None) -> None:
        try:
            import ray
        except ImportError:
            mend = "Install it: pip install 'nascope[cluster]'. (--engine local needs nothing.)"
            raise NascopeError("Ray is not installed.", where="--engine ray", mend=mend) from None
        self.slots = slots or _MANY
        self._ray: Any = ray
        self._owns = not ray.is_initialized()
        try:
            if self._owns:
                ray.init(log_to_driver=False, logging_level="ERROR")
        except Exception as error:
            mend = "Check RAY_ADDRESS and ray status."
            raise NascopeError(f"Ray cannot be reached: {_short(error)}", where="--engine ray", mend=mend) from None
        self._has_gpu = ray.cluster_resources().get("GPU", 0) >= 1
        self._function: Any = ray.remote(carry_out)

    def start(self, task: Task) -> RayWork:
        """Hand a member over."""
        options = {
            "name": task.id, "num_cpus": task.threads or 1, "num_gpus": 1 if self._has_gpu and task.wants_gpu else 0,
            "max_retries": 0,  # The study counts failures itself, and resumes.
        }  # fmt: skip
        reference = self._function.options(**options).remote(
            list(task.words), str(task.stdout), str(task.stderr), task.is_tied
        )
        return RayWork(self._ray, reference)

    def find(self, job: Mapping[str, Any]) -> Work | None:
        """None: tasks end with the process that handed them over."""
        return None

    def close(self) -> None:
        """Leave the cluster."""
        if self._owns:
            self._ray.shutdown()


class RayWork:
    """A task on Ray."""

    def __init__(self, ray: Any, reference: Any) -> None:
        self._ray, self._reference = ray, reference
        self._code: int | None = None

    def poll(self) -> int | None:
        """The member's exit code, 143 for a cancelled task, 1 where its worker died."""
        if self._code is None and self._ray.wait([self._reference], timeout=0)[0]:
            try:
                self._code = int(self._ray.get(self._reference))
            except self._ray.exceptions.TaskCancelledError:
                self._code = 143
            except Exception:  # Whatever became of the worker, the run's folder tells how far it came.
                self._code = 1
        return self._code

    def stop(self) -> None:
        """Cancel: the task's child saves and stops; a task that waits is taken back."""
        if self.poll() is None:
            self._ray.cancel(self._reference, force=False, recursive=True)

    def kill(self) -> None:
        """Cancel by force."""
        if self.poll() is None:
            self._ray.cancel(self._reference, force=True)

    def as_json(self) -> dict[str, Any]:
        """Nothing that outlives this process."""
        return {}


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
