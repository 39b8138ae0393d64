"""Writes chat data as Parquet with the libraries that people use, for the tests of `clinstruct-records` to read.

python write_parquet.py FOLDER writes FOLDER/*.parquet and FOLDER/expected.json: by file, the messages of its rows.
"""

import datetime
import json
import pathlib
import sys

import duckdb
import polars
import pyarrow
import pyarrow.parquet

ROWS = 40
CODECS = ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]

to = pathlib.Path(sys.argv[1])
to.mkdir(parents=True, exist_ok=True)
for old in to.glob("*"):
    old.unlink()


def question(i):
    # Some are long enough for pages of their own, some are in other scripts, some are the same.
    return f"May I walk with a swollen knee? घुटना, เข่า, 膝 {i % 7} " + "And for how long? " * (i % 5 * 20)


def answer(i):
    return "" if i == 11 else f"As long as it does not hurt ({i})."


def turns(i):
    return [("user", question(i)), ("assistant", answer(i))] * (1 + i % 3)


expected = {}


def written(name, rows):
    expected[name] = rows


said = [turns(i) for i in range(ROWS)]
message = pyarrow.struct([("role", pyarrow.string()), ("content", pyarrow.large_string()), ("name", pyarrow.string())])
chats = pyarrow.table(
    {
        "id": pyarrow.array([f"row-{i}" for i in range(ROWS)]),
        "messages": pyarrow.array(
            [[{"role": r, "content": c, "name": None} for r, c in t] for t in said], pyarrow.list_(message)
        ),
        "nothing": pyarrow.nulls(ROWS),
        "count": pyarrow.array(range(ROWS), pyarrow.int32()),
        "score": pyarrow.array([None if i % 4 else i / 3 for i in range(ROWS)], pyarrow.float64()),
        "flag": pyarrow.array([i % 2 == 0 for i in range(ROWS)]),
        "when": pyarrow.array([datetime.datetime(2024, 1, 1)] * ROWS, pyarrow.timestamp("us", "UTC")),
        "price": pyarrow.array([None] * ROWS, pyarrow.decimal128(10, 2)),
        "source": pyarrow.array(["ward", None] * (ROWS // 2)).dictionary_encode(),
        "tags": pyarrow.array([["a", "b"], []] * (ROWS // 2), pyarrow.list_(pyarrow.string())),
        "blob": pyarrow.array([b"\xff\x00"] * ROWS, pyarrow.binary()),
    }
)
for codec in CODECS:
    for version in ["1.0", "2.0"]:
        for dictionary in [True, False]:
            name = f"pyarrow-{codec}-{version}-{'dictionary' if dictionary else 'plain'}.parquet"
            pyarrow.parquet.write_table(
                chats,
                to / name,
                compression=codec,
                data_page_version=version,
                use_dictionary=dictionary,
                row_group_size=9,
                data_page_size=256,
                write_batch_size=4,
                write_page_checksum=version == "2.0",
            )
            written(name, said)

for encoding in ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]:
    name = f"pyarrow-{encoding.lower()}.parquet"
    pairs = pyarrow.table(
        {"prompt": [question(i) for i in range(ROWS)], "response": [answer(i) for i in range(ROWS)]}
    )
    columns = {"prompt": encoding, "response": encoding}
    pyarrow.parquet.write_table(pairs, to / name, use_dictionary=False, column_encoding=columns, row_group_size=17)
    written(name, [turns(i)[:2] for i in range(ROWS)])

alpaca = pyarrow.table(
    {
        "instruction": [question(i) for i in range(ROWS)],
        "input": ["" if i % 2 else "It is the left one." for i in range(ROWS)],
        "output": [answer(i) for i in range(ROWS)],
        "system": pyarrow.array([None if i % 3 else "Be brief." for i in range(ROWS)], pyarrow.large_string()),
        "history": pyarrow.array(
            [[["Hello?", "Hello."]] * (i % 3) for i in range(ROWS)], pyarrow.list_(pyarrow.list_(pyarrow.string()))
        ),
    }
)
pyarrow.parquet.write_table(alpaca, to / "pyarrow-alpaca.parquet", compression="gzip", row_group_size=11)
written(
    "pyarrow-alpaca.parquet",
    [
        ([] if i % 3 else [("system", "Be brief.")])
        + [("user", "Hello?"), ("assistant", "Hello.")] * (i % 3)
        + [("user", question(i) + ("" if i % 2 else "\nIt is the left one.")), ("assistant", answer(i))]
        for i in range(ROWS)
    ],
)

# A list of structures as some store it: a structure of lists.
columns = pyarrow.struct([("from", pyarrow.list_(pyarrow.string())), ("value", pyarrow.list_(pyarrow.string()))])
sharegpt = [{"from": [r for r, _ in t], "value": [c for _, c in t]} for t in said]
pyarrow.parquet.write_table(
    pyarrow.table({"conversations": pyarrow.array(sharegpt, columns)}), to / "pyarrow-columns.parquet"
)
written("pyarrow-columns.parquet", said)

pyarrow.parquet.write_table(chats.slice(0, 0), to / "pyarrow-no-rows.parquet")
written("pyarrow-no-rows.parquet", [])

frame = polars.DataFrame(
    {"messages": [[{"role": r, "content": c} for r, c in t] for t in said], "id": [str(i) for i in range(ROWS)]}
)
for codec in ["uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4"]:
    name = f"polars-{codec}.parquet"
    frame.write_parquet(to / name, compression=codec, row_group_size=13)
    written(name, said)

duckdb.sql(f"CREATE TABLE chats AS SELECT * FROM read_parquet('{to}/polars-zstd.parquet') ORDER BY CAST(id AS INT)")
for codec in ["uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4_raw"]:
    for version in ["V1", "V2"]:
        name = f"duckdb-{codec}-{version}.parquet"
        duckdb.sql(
            f"COPY chats TO '{to}/{name}' (FORMAT parquet, COMPRESSION {codec}, PARQUET_VERSION {version}, ROW_GROUP_SIZE 2048)"
        )
        written(name, said)

(to / "expected.json").write_text(json.dumps(expected))
print(f"{len(expected)} files in {to}")
