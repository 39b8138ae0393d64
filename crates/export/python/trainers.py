"""Holds a dataset folder against the trainers' own code: TRL's formatter and options, axolotl's options and loader.

Usage: trainers.py FOLDER. Both packages are installed without PyTorch, which is too large for a test; what of them
is used here needs it only to be imported, so it is stood in for. The tokenizer is made here: bytes, ChatML.
"""

import ast
import importlib.abc
import importlib.machinery
import os
import sys
from dataclasses import fields
from pathlib import Path
from unittest.mock import MagicMock

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import datasets  # noqa: E402
import transformers  # noqa: E402  (before the stand-ins: it must see that there is no PyTorch)
import yaml  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402

datasets.disable_progress_bars()
FOLDER = Path(sys.argv[1]).resolve()
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives an empty module for each package that only training itself needs."""

    NAMES = {"torch", "accelerate", "fire", "peft", "bitsandbytes"}

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in self.NAMES:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = MagicMock(name=spec.name)
        module.__spec__, module.__path__, module.__name__, module.__version__ = spec, [], spec.name, "2.9.0"
        return module

    def exec_module(self, module):
        pass


def tokenizer():
    """Each byte is a token, as are the ChatML marks."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bare = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bare, eos_token="<|im_end|>", pad_token="<|pad|>", additional_special_tokens=["<|im_start|>"]
    )
    made.chat_template = CHATML
    return made


def rows():
    loaded = datasets.load_dataset(str(FOLDER), cache_dir=str(FOLDER.parent / ".datasets-cache"))["train"]
    return loaded.select(range(0, loaded.num_rows, max(1, loaded.num_rows // 100)))


def with_trl(rows, tokenizer):
    from trl.data_utils import apply_chat_template, is_conversational

    for row in rows.select_columns(["messages"]):
        if not is_conversational(row):
            sys.exit(f"TRL does not take this as a conversation: {row}")
        text = apply_chat_template(row, tokenizer)["text"]
        wanted = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in row["messages"])
        if text != wanted:
            sys.exit(f"TRL makes another text of it:\n{text}\n---\n{wanted}")


def options_of_trl():
    """Every option that `train_trl.py` gives exists."""
    sys.meta_path.insert(0, StandIn())
    config = (Path(sys.modules["trl"].__file__).parent / "trainer" / "sft_config.py").read_text()
    known = {
        node.target.id
        for of in ast.walk(ast.parse(config))
        if isinstance(of, ast.ClassDef)
        for node in of.body
        if isinstance(node, ast.AnnAssign)
    } | {f.name for f in fields(transformers.TrainingArguments)}
    script = ast.parse((FOLDER / "train_trl.py").read_text())
    given = {
        k.arg
        for call in ast.walk(script)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "SFTConfig"
        for k in call.keywords
    }
    if not given or not given <= known:
        sys.exit(f"train_trl.py: options that TRL does not know: {given - known}")


def with_axolotl(rows, tokenizer):
    """`axolotl.yaml` passes axolotl's schema, and its own loader trains on the assistant's words alone."""
    from axolotl.prompt_strategies.chat_template import load
    from axolotl.utils.dict import DictDefault
    from axolotl.utils.schemas.config import AxolotlInputConfig

    said = yaml.safe_load((FOLDER / "axolotl.yaml").read_text())
    unknown = set(said) - set(AxolotlInputConfig.model_fields)
    if unknown:
        sys.exit(f"axolotl.yaml: keys that axolotl does not know: {unknown}")
    config = AxolotlInputConfig(**said)
    source = DictDefault(config.datasets[0].model_dump(exclude_none=True))
    strategy = load(tokenizer, DictDefault(said), source)
    for row in rows.select_columns(["messages"]):
        tokens = strategy.tokenize_prompt(row)
        learnt = tokenizer.decode([t for t in tokens["labels"] if t != -100])
        wanted = "".join(m["content"] + "<|im_end|>" for m in row["messages"] if m["role"] == "assistant")
        if learnt != wanted:
            sys.exit(f"axolotl learns another text:\n{learnt}\n---\n{wanted}")


chosen, bytewise = rows(), tokenizer()
with_trl(chosen, bytewise)
options_of_trl()
with_axolotl(chosen, bytewise)
print(f"{chosen.num_rows} conversations through TRL's and axolotl's own formatters")
