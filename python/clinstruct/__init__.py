"""Runs the ``clinstruct`` program, and loads the datasets that it makes.

The program is part of the package. Settings are its flags: ``build(limit=20, max_cost=5.0)`` is
``clinstruct build --limit 20 --max-cost 5.0``, and ``clinstruct build --help`` explains them.

>>> import clinstruct
>>> summary = clinstruct.build("first", limit=20)
>>> summary["counts_add_up"]
True
>>> rows = clinstruct.load("first", part="specialty-domain")
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Sequence, Union

from ._program import ClinstructError, find_program, run

if TYPE_CHECKING:
    from datasets import DatasetDict

__all__ = ["ClinstructError", "build", "check", "find_program", "load"]

PathLike = Union[str, "os.PathLike[str]"]
Setting = Union[None, bool, int, float, str, "os.PathLike[str]", Sequence[Any], Mapping[str, Any]]


def build(out: PathLike | None = None, *, progress: bool = True, **settings: Setting) -> dict[str, Any]:
    """Makes a dataset, or resumes the run in the folder ``out``.

    Args:
        out: Folder of the run, or an address such as ``"s3://bucket/run"`` to upload it to; ``None`` for the program's
            default, ``data/BACKEND``.
        progress: Whether the program's progress and warnings go to ``sys.stderr`` while it runs.
        **settings: Flags of ``clinstruct build``, with ``_`` for ``-``. ``True`` sets a flag without a value; ``None`` and
            ``False`` leave it out. A sequence repeats the flag. A mapping repeats it with ``NAME=VALUE``, as in
            ``role={"user": "gpt-4o-mini"}``. A paid backend needs ``yes=True``, since nobody can be asked.

    Returns:
        The summary of the run, as in ``summary.json``: ``parts`` with counts, ``quality`` with metrics, ``repairs``.

    Raises:
        ClinstructError: The program failed. With ``code`` 1 the run is complete, but it has failed rows or missed a gate;
            ``summary`` then has its summary.
    """
    folder = [] if out is None else [os.fspath(out)]
    return run(["build", *folder, "--json"], settings, progress)


def check(*paths: PathLike, **settings: Setting) -> dict[str, Any]:
    """Computes all metrics of chat datasets: folders of a run, or JSON, JSONL, CSV and Parquet files.

    Args:
        *paths: At least one folder or file.
        **settings: Flags of ``clinstruct check``, as for :func:`build`.

    Returns:
        The report: ``metrics``, ``duplicates``, ``contamination`` and ``bad_rows``.

    Raises:
        ClinstructError: The program failed, or with ``gate=True`` a metric missed its target.
        TypeError: There is no path.
    """
    if not paths:
        raise TypeError("check() needs at least one folder or file")
    return run(["check", *map(os.fspath, paths), "--json"], settings, progress=False)


def load(out: PathLike, part: str | None = None) -> DatasetDict:
    """Loads the dataset of a run with the ``datasets`` library.

    Args:
        out: Folder of the run, or its folder ``dataset``.
        part: One part, by id (``task-subtopic``) or file name (``multiturn_tasks_x_subtopics``); all parts by default.

    Returns:
        The dataset with its splits.

    Raises:
        ImportError: ``datasets`` is not installed.
        FileNotFoundError: The folder has no dataset.
        ValueError: There is no such part.
    """
    try:
        from datasets import load_dataset
    except ImportError as e:
        message = "clinstruct.load needs the package `datasets`: pip install datasets"
        raise ImportError(message, name="datasets") from e
    folder = Path(out)
    if (folder / "dataset").is_dir():
        folder = folder / "dataset"
    if not (folder / "README.md").is_file():
        raise FileNotFoundError(f"{folder} has no dataset: make one with clinstruct.build, or name the folder of a run")
    name = None if part is None else _stem(folder, part)
    # An absolute path is never taken for the name of a dataset on the hub.
    return load_dataset(str(folder.resolve()), name)


def _stem(folder: Path, part: str) -> str:
    """The file name of a part that is given by its id or file name."""
    stems = {path.name for path in (folder / "data").iterdir()}
    try:
        parts = json.loads((folder.parent / "summary.json").read_text(encoding="utf-8"))["parts"]
    except FileNotFoundError:
        parts = []
    ids = {known["part"]: known["stem"] for known in parts}
    name = ids.get(part, part)
    if name not in stems:
        known = ", ".join(sorted(stems | {id for id, stem in ids.items() if stem in stems}))
        raise ValueError(f"{folder} has no part {part!r}: it has {known}")
    return name
