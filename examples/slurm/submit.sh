#!/bin/bash
# Submits all shards, and their merge for when they have ended. Its arguments are flags of `clinstruct build`:
#
#     ./submit.sh --backend openai --model gpt-4o --max-cost 450 --yes
#     SHARDS=4 RUN=$SCRATCH/pilot ./submit.sh --sample 50
set -euo pipefail
cd "$(dirname "$0")"

export SHARDS=${SHARDS:-8}
export RUN=${RUN:-$PWD/run}
mkdir -p "$RUN"
shards=$(sbatch --parsable --array="1-$SHARDS" shards.sbatch "$@")
# Not afterok: a run in which some rows were rejected by the provider ends with 1, and is finished all the same.
merge=$(sbatch --parsable --dependency="afterany:$shards" merge.sbatch)
echo "shards: job $shards; merge: job $merge"
