"""Reads a dataset folder as its users do, and holds it against what the run says of itself.

Usage: read_dataset.py RUN, where RUN/dataset is the folder and RUN/summary.json the run's sums.
"""

import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path

import datasets
import duckdb
import mlcroissant
import pandas
import polars
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCard

datasets.disable_progress_bars()
RUN = Path(sys.argv[1]).resolve()
FOLDER = RUN / "dataset"
SUMMARY = json.loads((RUN / "summary.json").read_text())
SPLITS = {p["stem"]: {s: n for s, n in SUMMARY["quality"]["splits"][p["stem"]].items() if n} for p in SUMMARY["parts"]}
ROWS = sum(p["in_dataset"] for p in SUMMARY["parts"])
COLUMNS = {
    "id", "part", "messages", "language", "mode", "turns", "profession", "specialty", "subjects", "styles",
    "sex", "age_years", "country", "setting", "base", "model", "rehearsal", "provenance", "attributes",
}


def check(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")


def lines(kind, stem):
    return [json.loads(line) for line in (RUN / kind / f"{stem}.jsonl").read_text().splitlines()]


def as_alternating(messages):
    """Whether TRL and axolotl would take it: a system message at most first, then user and assistant in turn."""
    roles = [m["role"] for m in messages]
    if roles[0] == "system":
        roles = roles[1:]
    return len(roles) % 2 == 0 and all(
        r == ("user" if i % 2 == 0 else "assistant") for i, r in enumerate(roles)
    ) and all(set(m) == {"role", "content"} and isinstance(m["content"], str) and m["content"] for m in messages)


def with_datasets(cache):
    everything = datasets.load_dataset(str(FOLDER), cache_dir=cache)
    sums = Counter()
    for of in SPLITS.values():
        sums.update(of)
    check("rows by split", {s: d.num_rows for s, d in everything.items()}, dict(sums))
    check("rows", sum(d.num_rows for d in everything.values()), ROWS)
    for stem, of in SPLITS.items():
        part = datasets.load_dataset(str(FOLDER), stem, cache_dir=cache)
        check(f"rows of {stem}", {s: d.num_rows for s, d in part.items()}, of)
        for split, rows in part.items():
            check(f"columns of {stem}", set(rows.column_names), COLUMNS)
            for row in rows.select(range(min(200, rows.num_rows))):
                if not as_alternating(row["messages"]):
                    sys.exit(f"{row['id']}: messages that no trainer takes: {row['messages']}")
    return everything


def same_text(everything):
    """Each row has the text of the run's own row, in the split that the run gave it."""
    said = {}
    for stem in SPLITS:
        notes = {row["id"]: row for row in lines("annotations", stem)}
        # The dataset is the mix: rows without those that a pass dropped.
        for row in lines("conversations", stem):
            note = notes[row["id"]]
            if note["dropped"] is not None:
                continue
            said[row["id"]] = (note["split"], [(m["role"], m["content"]) for m in row["messages"]])
    check("rows of the run", len(said), ROWS)
    for split, rows in everything.items():
        for row in rows.select_columns(["id", "messages", "provenance", "attributes"]):
            here = [(m["role"], m["content"]) for m in row["messages"] if m["role"] != "system"]
            check(f"text and split of {row['id']}", (split, here), said.pop(row["id"]))
            check(f"turns of provenance of {row['id']}", len(row["provenance"]), len(here))
            json.loads(row["attributes"])
    check("rows that are in no split", len(said), 0)


def with_others():
    glob = str(FOLDER / "data" / "*" / "*.parquet")
    check("rows by DuckDB", duckdb.execute(f"SELECT count(*) FROM '{glob}'").fetchall()[0][0], ROWS)
    roles = duckdb.execute(f"SELECT DISTINCT m.role FROM (SELECT unnest(messages) AS m FROM '{glob}')").fetchall()
    if not {r for (r,) in roles} <= {"system", "user", "assistant"}:
        sys.exit(f"roles by DuckDB: {roles}")
    frame = polars.read_parquet(glob)
    check("rows by Polars", frame.height, ROWS)
    check("messages by Polars", frame.schema["messages"], polars.List(polars.Struct({"role": polars.String, "content": polars.String})))
    frames = [pandas.read_parquet(path) for path in sorted(FOLDER.glob("data/*/*.parquet"))]
    check("rows by pandas", sum(len(f) for f in frames), ROWS)
    check("columns by pandas", set(frames[0].columns), COLUMNS)


def card():
    """Parsed by the hub's client, held against the hub's rules that can be told here, and by the hub's own
    validator where it can be reached (it is a service)."""
    text = DatasetCard.load(FOLDER / "README.md", ignore_metadata_errors=False)
    data = text.data.to_dict()
    for key in ("license", "language", "size_categories", "configs", "pretty_name", "task_categories"):
        if not data.get(key):
            sys.exit(f"the card's head lacks {key}")
    sizes = {"n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M"}
    if not set(data["size_categories"]) <= sizes:
        sys.exit(f"size_categories: {data['size_categories']}")
    for code in data["language"]:
        if not re.fullmatch("[a-z]{2,3}", code):
            sys.exit(f"language: {code}")
    if not re.fullmatch(r"[a-z0-9.+-]+", data["license"]):
        sys.exit(f"license: {data['license']}")
    configs = MetadataConfigs.from_dataset_card_data(text.data)
    check("configurations", set(configs), {"default", *SPLITS})
    check("default configuration", configs.get_default_config_name(), "default")
    try:
        text.validate(repo_type="dataset")
        return "validated by the hub"
    except ValueError:
        raise
    except Exception as e:
        if "Connect" not in type(e).__name__ and "Timeout" not in type(e).__name__:
            raise
        return "not validated by the hub, which is not reachable"


def croissant():
    dataset = mlcroissant.Dataset(jsonld=FOLDER / "croissant.json")
    errors = list(dataset.metadata.ctx.issues.errors)
    if errors:
        sys.exit(f"croissant.json: {errors}")
    rows = 0
    for record_set in dataset.metadata.record_sets:
        for record in dataset.records(record_set.uuid):
            rows += 1
            if rows % 1000 == 1:
                key = f"{record_set.uuid}/messages"
                if not record[key]:
                    sys.exit(f"croissant.json: {record_set.uuid} gives no messages")
    check("rows by mlcroissant", rows, ROWS)


def sums():
    for line in (FOLDER / "SHA256SUMS").read_text().splitlines():
        wanted, name = line.split("  ", 1)
        check(f"checksum of {name}", hashlib.sha256((FOLDER / name).read_bytes()).hexdigest(), wanted)


everything = with_datasets(RUN / ".datasets-cache")
same_text(everything)
with_others()
sums()
croissant()
print(f"{ROWS} rows in {len(SPLITS)} parts: datasets, DuckDB, Polars, pandas and mlcroissant agree; card {card()}")
