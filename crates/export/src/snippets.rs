//! Starting points for training tools, meant to be edited.

use crate::about::About;

/// File contents by name.
pub(crate) fn all(about: &About) -> [(&'static str, String); 2] {
    let warning = if about.summary.rehearsal {
        "# A rehearsal: a grammar wrote the text of this dataset. Do not train on it.\n"
    } else {
        ""
    };
    [("axolotl.yaml", format!("{warning}{AXOLOTL}")), ("train_trl.py", format!("{warning}{TRL}"))]
}

/// Keys from <https://docs.axolotl.ai/docs/dataset-formats/conversation.html>.
const AXOLOTL: &str = "\
# Fine-tune with axolotl: `axolotl train axolotl.yaml`, from this folder.
base_model: Qwen/Qwen3-0.6B  # put your model here
chat_template: tokenizer_default

datasets:
  - path: .
    name: default
    split: train
    type: chat_template
    field_messages: messages
    message_property_mappings:
      role: role
      content: content
    roles_to_train: [\"assistant\"]
    train_on_eos: turn
test_datasets:
  - path: .
    name: default
    split: validation
    type: chat_template
    field_messages: messages
    message_property_mappings:
      role: role
      content: content

output_dir: ./output
sequence_len: 4096
adapter: lora
lora_r: 16
lora_alpha: 32
lora_target_linear: true
micro_batch_size: 4
gradient_accumulation_steps: 4
num_epochs: 2
learning_rate: 0.0002
bf16: auto
";

/// Names from <https://huggingface.co/docs/trl/sft_trainer>.
const TRL: &str = "\
\"\"\"Fine-tune with TRL: `python train_trl.py`, from this folder.\"\"\"

from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

data = load_dataset(\".\").select_columns([\"messages\"])
trainer = SFTTrainer(
    model=\"Qwen/Qwen3-0.6B\",  # put your model here
    train_dataset=data[\"train\"],
    eval_dataset=data.get(\"validation\"),
    args=SFTConfig(output_dir=\"output\", max_length=4096, assistant_only_loss=True),
)
trainer.train()
";
