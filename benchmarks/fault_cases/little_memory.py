"""Memory that is not enough: the sentence names the option that helps, and with it the command goes through."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from fault_cases.material import TOPICS, Done, Material, run, surroundings
from transformers import AutoTokenizer, BertConfig, BertModel

ROWS, WORDS = 120, 160
PROGRAM = Path(__file__).with_name("limited.py")
TRAIN = ["--use_cpu", "true", "--disable_tqdm", "true", "--recipe", "standard", "--precision", "fp32"]
TRAIN += ["--max_length", "512", "--near_duplicates", "false", "--overwrite"]
# Half of what the training batches below need, and a third of a batch of predictions.
TRAIN_MIB, PREDICT_MIB = 1500, 330
LARGE = ["--per_device_train_batch_size", "64"]


def little_memory(material: Material, folder: Path) -> dict[str, Any]:
    """Let commands run out of memory, and then do what they say."""
    encoder, articles = _wide_encoder(material, folder / "wide"), _long_articles(folder / "long.jsonl")
    train = [
        "train",
        "--encoder",
        str(encoder),
        "--dataset",
        str(articles),
        "--output_dir",
        str(folder / "run"),
        *TRAIN,
    ]
    one_step = ["--max_steps", "1", "--per_device_train_batch_size", "1"]
    model = ["--model", str(folder / "run")]
    evaluate = ["evaluate", *model, "--output_dir", str(folder / "evaluation"), "--overwrite"]
    predict = ["predict", *model, "--input", str(articles), "--output", str(folder / "answers.csv"), "--overwrite"]
    found: Counter[str] = Counter()
    said = {}

    def expect(what: str, done: Done, *words: str) -> None:
        named = done.code == 1 and done.is_clean and all(word in done.said for word in ("out of memory", *words))
        found["one sentence that names what helps" if named else f"{what}: {done.code}: {done.error[-500:]}"] += 1
        said[what] = done.said

    def helped(what: str, done: Done) -> None:
        found["went through with what it names" if done.code == 0 else f"{what}: {done.error[-500:]}"] += 1

    batch = "--per_device_train_batch_size 32 --gradient_accumulation_steps 2"
    expect("a training step", _limited(TRAIN_MIB, [*train, *LARGE]), batch, "--gradient_checkpointing", "--max_length")
    smaller = ["--per_device_train_batch_size", "4", "--gradient_accumulation_steps", "16", "--max_steps", "1"]
    helped(
        "the same step in 16 batches of 4", _limited(TRAIN_MIB, [*train, *smaller, "--per_device_eval_batch_size", "4"])
    )
    short = ["--max_length", "24", "--max_steps", "1", *LARGE]
    helped("the same batch of shorter texts", _limited(TRAIN_MIB, [*train, *short]))
    large = [*one_step, "--per_device_eval_batch_size", "64", "--validation_fraction", "0.6"]
    expect("validation", _limited(TRAIN_MIB, [*train, *large]), "--per_device_eval_batch_size")
    helped("validation in batches of 2", _limited(TRAIN_MIB, [*train, *one_step, "--per_device_eval_batch_size", "2"]))
    expect("predict", _limited(PREDICT_MIB, predict), "end other programs", "--device cpu")
    expect("evaluate", _limited(PREDICT_MIB, evaluate), "end other programs")
    return {
        "how": "the system refuses a process more than a set amount (RLIMIT_AS)",
        "times": sum(found.values()),
        "happened": dict(found),
        "said": said,
    }


def _limited(mib: int, arguments: list[str]) -> Done:
    return run([sys.executable, str(PROGRAM), str(mib), *arguments], environment=surroundings())


def _wide_encoder(material: Material, folder: Path) -> Path:
    """Write an encoder that needs 64 KiB a token in its wide layer, and little else."""
    tokenizer = AutoTokenizer.from_pretrained(material.encoder)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16384
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _long_articles(file: Path) -> Path:
    rows = [
        {
            "text": f"{number} " + " ".join([list(TOPICS.values())[number % 3]] * WORDS),
            "label": list(TOPICS)[number % 3],
        }
        for number in range(ROWS)
    ]
    file.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return file
