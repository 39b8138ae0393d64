"""The same requests as a run's own, sent by those whom people use otherwise.

Usage: peers.py WHO BASE_URL REQUESTS FOLDER

WHO is sdk-batch (a plain script on the official client), aiohttp-chat (a bare loop, 200 at once), curator-batch or
curator-chat. REQUESTS is what `clinstruct requests` prints. The answers are written to FOLDER/answers.jsonl.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

WHO, BASE, REQUESTS, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
AT_ONCE = 200
FOLDER.mkdir(parents=True, exist_ok=True)


def lines():
    with REQUESTS.open() as file:
        for line in file:
            asked = json.loads(line)
            body = {"model": "gpt-4o", "messages": asked["request"]["messages"], "max_completion_tokens": 700}
            yield {"custom_id": asked["id"], "method": "POST", "url": "/v1/chat/completions", "body": body}


def sdk_batch():
    import time

    import openai

    client = openai.OpenAI(base_url=BASE, api_key="loopback")
    batch_file = FOLDER / "input.jsonl"
    with batch_file.open("w") as out:
        for line in lines():
            out.write(json.dumps(line) + "\n")
    with batch_file.open("rb") as upload:
        file = client.files.create(file=upload, purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    while batch.status not in ("completed", "failed", "expired", "cancelled"):
        time.sleep(0.2)
        batch = client.batches.retrieve(batch.id)
    with (FOLDER / "answers.jsonl").open("w") as out:
        for line in client.files.content(batch.output_file_id).text.splitlines():
            row = json.loads(line)
            text = row["response"]["body"]["choices"][0]["message"]["content"]
            out.write(json.dumps({"id": row["custom_id"], "text": text}) + "\n")


def aiohttp_chat():
    import aiohttp

    async def all_of_them():
        gate = asyncio.Semaphore(AT_ONCE)
        headers = {"Authorization": "Bearer loopback"}
        connector = aiohttp.TCPConnector(limit=AT_ONCE)
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

            async def one(line):
                async with gate:
                    async with session.post(f"{BASE}/chat/completions", json=line["body"]) as response:
                        body = await response.json()
                return line["custom_id"], body["choices"][0]["message"]["content"]

            return await asyncio.gather(*[one(line) for line in lines()])

    answers = asyncio.run(all_of_them())
    with (FOLDER / "answers.jsonl").open("w") as out:
        for custom_id, text in answers:
            out.write(json.dumps({"id": custom_id, "text": text}) + "\n")


def curator(batch):
    os.environ |= {"TELEMETRY_ENABLED": "false", "CURATOR_DISABLE_RICH_DISPLAY": "1", "OPENAI_API_KEY": "loopback"}
    os.environ |= {"CURATOR_CACHE_DIR": str(FOLDER / "cache"), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    os.environ |= {"OPENAI_BASE_URL": BASE, "HF_HUB_OFFLINE": "1"}
    import litellm

    # litellm carries the vocabulary that tiktoken would fetch.
    os.environ["TIKTOKEN_CACHE_DIR"] = str(Path(litellm.__file__).parent / "litellm_core_utils" / "tokenizers")
    from bespokelabs import curator as library

    class Ask(library.LLM):
        def prompt(self, row):
            return row["messages"]

        def parse(self, row, response):
            return {"id": row["id"], "text": response}

    params = {"base_url": BASE, "invalid_finish_reasons": []}
    if batch:
        params |= {"batch_size": 50_000, "batch_check_interval": 1}
    else:
        many = 1_000_000_000
        params |= {"max_concurrent_requests": AT_ONCE, "max_requests_per_minute": many, "max_tokens_per_minute": many}
    asker = Ask(model_name="gpt-4o", backend="openai", batch=batch, backend_params=params)
    rows = [{"id": line["custom_id"], "messages": line["body"]["messages"]} for line in lines()]
    answers = asker(rows)
    dataset = getattr(answers, "dataset", answers)
    dataset.to_json(str(FOLDER / "answers.jsonl"))


KNOWN = {
    "sdk-batch": sdk_batch,
    "aiohttp-chat": aiohttp_chat,
    "curator-batch": lambda: curator(True),
    "curator-chat": lambda: curator(False),
}
KNOWN[WHO]()
