"""datatrove's MinHash over the conversations of a run, with its usual four steps: signatures, buckets, clusters, filter.

Arguments: file of conversations, folder for what it writes, number of workers. A document is a whole conversation.
"""

import json
import sys
from pathlib import Path

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.writer.jsonl import JsonlWriter
from datatrove.utils.hashing import HashConfig

TASKS = 8


class Conversations(PipelineStep):
    """Each task reads its share of the lines of the file."""

    name = "conversations"
    type = "reader"

    def __init__(self, path: str):
        super().__init__()
        self.path = path

    def run(self, data=None, rank: int = 0, world_size: int = 1):
        size = Path(self.path).stat().st_size
        start, end = size * rank // world_size, size * (rank + 1) // world_size
        with open(self.path, "rb") as file:
            if start > 0:
                file.seek(start - 1)
                file.readline()
            while file.tell() < end:
                row = json.loads(file.readline())
                text = "\n".join(message["content"] for message in row["messages"])
                yield Document(text=text, id=row["id"])


def main() -> None:
    path, folder, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
    # The threshold of a band is (1/buckets)^(1/hashes): 0.72 here. clinstruct's is 0.7, of the exact similarity.
    config = MinhashConfig(
        hash_config=HashConfig(precision=64), num_buckets=14, hashes_per_bucket=8, n_grams=5
    )
    reader = Conversations(path)
    common = {"workers": workers, "skip_completed": False}

    def step(name: str, pipeline: list, tasks: int) -> None:
        logs = f"{folder}/logs/{name}"
        LocalPipelineExecutor(pipeline=pipeline, tasks=tasks, logging_dir=logs, **common).run()

    signatures, buckets, removed = (f"{folder}/{name}" for name in ("signatures", "buckets", "ids"))
    step("signatures", [reader, MinhashDedupSignature(signatures, config)], TASKS)
    step("buckets", [MinhashDedupBuckets(signatures, buckets, config=config)], config.num_buckets)
    step("clusters", [MinhashDedupCluster(buckets, removed, config=config)], 1)
    step("filter", [reader, MinhashDedupFilter(removed), JsonlWriter(f"{folder}/kept")], TASKS)


if __name__ == "__main__":
    main()
