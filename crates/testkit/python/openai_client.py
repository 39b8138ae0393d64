"""The official openai client against the provider of clinstruct-testkit: nothing may differ from what it expects.

Starts the example `serve`, which `cargo xtask test` has compiled.
"""

import json
import subprocess
import tempfile

import openai

server = subprocess.Popen(
    ["target/debug/examples/serve"],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    text=True,
)
try:
    base = server.stdout.readline().strip()
    client = openai.OpenAI(base_url=f"{base}/v1", api_key="sk-test", max_retries=0)

    ids = [f"{n:032x}" for n in range(12)]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as batch_file:
        for custom_id in ids:
            body = {
                "model": "gpt-4o",
                "messages": [{"role": "user", "content": f"Question {custom_id}"}],
                "max_completion_tokens": 50,
            }
            line = {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}
            batch_file.write(json.dumps(line) + "\n")
        batch_file.flush()
        with open(batch_file.name, "rb") as upload:
            file = client.files.create(file=upload, purpose="batch")
    assert file.object == "file" and file.purpose == "batch" and file.bytes > 0, file
    assert client.files.retrieve(file.id).id == file.id

    batch = client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"clinstruct_tag": "from-python"},
    )
    assert batch.status in ("validating", "in_progress"), batch
    for _ in range(20):
        batch = client.batches.retrieve(batch.id)
        if batch.status == "completed":
            break
    assert batch.status == "completed", batch
    assert batch.request_counts.total == batch.request_counts.completed == len(ids), batch
    assert batch.metadata == {"clinstruct_tag": "from-python"}, batch
    assert batch.id in [b.id for b in client.batches.list(limit=5)]

    rows = [json.loads(l) for l in client.files.content(batch.output_file_id).text.splitlines()]
    assert sorted(r["custom_id"] for r in rows) == ids
    for row in rows:
        assert row["error"] is None and row["response"]["status_code"] == 200, row
        completion = openai.types.chat.ChatCompletion.model_validate(row["response"]["body"], strict=True)
        assert completion.choices[0].message.content.startswith("answer "), completion
        assert completion.usage.total_tokens > 0, completion

    said = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}])
    assert said.choices[0].finish_reason == "stop" and said.choices[0].message.content, said

    try:
        client.batches.retrieve("batch_nobody")
        raise AssertionError("an unknown batch was found")
    except openai.NotFoundError as e:
        assert e.status_code == 404, e

    cancelled = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert client.batches.cancel(cancelled.id).status in ("cancelling", "cancelled")
    print(f"openai {openai.__version__}: upload, create, poll, list, download, chat, cancel: as expected")
finally:
    server.stdin.close()
    server.wait(timeout=20)
