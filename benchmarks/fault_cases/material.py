"""What the cases work on: a tiny encoder with dropout, sixty short articles, and the commands over them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

ROOT = Path(__file__).parents[2]
TOPICS = {"business": "shares market", "sport": "goal match", "tech": "phone software"}
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TRAINING = ["--use_cpu", "true", "--disable_tqdm", "true", "--precision", "fp32", "--recipe", "standard"]
TRAINING += ["--max_length", "24", "--per_device_train_batch_size", "4", "--learning_rate", "5e-3"]
TRAINING += ["--classifier_dropout", "0.3", "--encoder_dropout", "0.1", "--early_stopping_patience", "0"]
TRAINING += ["--eval_strategy", "steps", "--save_strategy", "steps", "--save_total_limit", "2"]


@dataclass(frozen=True)
class Material:
    """An encoder and articles."""

    encoder: Path
    articles: Path

    def train(self, folder: Path, *flags: str, steps: int, every: int) -> list[str]:
        """Return the command that trains so many steps, with a validation and a checkpoint every few."""
        command = ["train", "--encoder", str(self.encoder), "--dataset", str(self.articles), *TRAINING]
        return [*command, *_lengths(steps, every), "--output_dir", str(folder), *flags]

    def compare(self, folder: Path, *flags: str, steps: int, every: int) -> list[str]:
        """Return the command that compares two poolings over two folds."""
        command = ["compare", "--encoders", str(self.encoder), "--dataset", str(self.articles), *TRAINING]
        grid = ["--poolings", "cls,mean", "--folds", "2"]
        return [*command, *grid, *_lengths(steps, every), "--output_dir", str(folder), *flags]


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    printed: str
    error: str
    seconds: float

    @property
    def said(self) -> str:
        """The refusal, or nothing: one sentence, without what libraries log before it."""
        lines = [line for line in self.error.splitlines() if line.startswith("bbc-classifier: error: ")]
        return lines[0].removeprefix("bbc-classifier: error: ") if len(lines) == 1 else ""

    @property
    def is_clean(self) -> bool:
        """Whether it ended well, or said in one sentence why it did not."""
        return "Traceback" not in self.error and (self.code == 0 or bool(self.said))


def make_material(folder: Path) -> Material:
    """Write the encoder and the articles."""
    tokenizer, size = _tokenizer()
    config = BertConfig(
        vocab_size=size, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder / "encoder")
    tokenizer.save_pretrained(folder / "encoder")
    rows = [
        {
            # Every tenth is about another topic than its words say.
            "text": f"the {list(TOPICS.values())[(number + (number % 10 == 0)) % 3]} {number} {number * number}",
            "label": list(TOPICS)[number % 3],
        }
        for number in range(60)
    ]
    articles = folder / "articles.jsonl"
    articles.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return Material(folder / "encoder", articles)


def command_line(arguments: Sequence[str]) -> list[str]:
    """Return what starts a command of this checkout."""
    return [sys.executable, "-m", "bbc_classifier", *arguments]


def surroundings() -> dict[str, str]:
    """Return the environment of every command: one thread, since sums in another order are other bits; no network."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}


def run(command: Sequence[str], *, environment: dict[str, str] | None = None, folder: Path | None = None) -> Done:
    """Run a command line to its end; one that hangs is an error after ten minutes."""
    started = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment or surroundings(),
        capture_output=True,
        text=True,
        errors="replace",
        timeout=600,
    )
    return Done(done.returncode, done.stdout, done.stderr, time.perf_counter() - started)


def run_well(arguments: Sequence[str]) -> Done:
    """Run a command of ours that has to succeed."""
    done = run(command_line(arguments))
    if done.code:
        raise RuntimeError(f"{arguments[0]} ended with {done.code}: {done.error[-2000:]}")
    return done


def _lengths(steps: int, every: int) -> list[str]:
    # Logged as often as saved: the first loss logged after going on is else the mean of fewer steps.
    names = ("--save_steps", "--eval_steps", "--logging_steps")
    return ["--max_steps", f"{steps}", *(part for name in names for part in (name, f"{every}"))]


def _tokenizer() -> tuple[PreTrainedTokenizerFast, int]:
    pieces = [f"##{letter}" for letter in LETTERS]
    words = [word for pair in TOPICS.values() for word in pair.split()]
    vocabulary = {token: index for index, token in enumerate([*SPECIAL, *LETTERS, *pieces, *words, "the"])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **names), len(vocabulary)
