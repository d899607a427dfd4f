"""Tiny encoders and a tokenizer, built in memory: the real classes with random weights, nothing fetched; small data."""

import csv
import string
import subprocess
import sys
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModel, BertTokenizer, PreTrainedConfig, PreTrainedModel

from bbc_classifier.model import PooledEncoderConfig, PooledEncoderForSequenceClassification

LABELS = ["business", "entertainment", "politics", "sport", "tech"]
WORDS = "shares fell market match goal team film music actor minister vote party phone software web the a of in".split()
TOPICS = ["market", "match", "film", "vote", "phone", "goal", "music", "party", "shares", "software", "team"]
SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CHARACTERS = string.ascii_lowercase + string.digits + string.punctuation + "£"
PIECES = (f"##{character}" for character in CHARACTERS)
VOCABULARY = list(dict.fromkeys([*SPECIAL_TOKENS, *CHARACTERS, *PIECES, *WORDS]))  # "a" is a letter and a word

SIZES = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 32}
SIZES |= {"vocab_size": len(VOCABULARY), "max_position_embeddings": 64, "pad_token_id": 0}
# What a family calls a size that the others call otherwise.
FAMILIES: dict[str, dict[str, object]] = {
    "bert": {},
    "distilbert": {"dim": 24, "n_layers": 2, "n_heads": 3, "hidden_dim": 32},
    "roberta": {"max_position_embeddings": 65},
    "electra": {"embedding_size": 24},
    "mpnet": {"max_position_embeddings": 66},
    "albert": {"embedding_size": 12},
    "deberta-v2": {"type_vocab_size": 0},
    "modernbert": {"intermediate_size": 36, "global_attn_every_n_layers": 1},
}
RENAMED = {"distilbert": ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")}
SPECIAL_IDS = {"modernbert": ("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id")}


def tiny_config(family: str = "bert", **changes: object) -> PreTrainedConfig:
    """Return the configuration of a tiny encoder of a family, with 64 usable positions and no dropout of its own."""
    sizes = {name: size for name, size in SIZES.items() if name not in RENAMED.get(family, ())}
    special = dict.fromkeys(SPECIAL_IDS.get(family, ()), 2)
    return AutoConfig.for_model(family, **{**sizes, **FAMILIES.get(family, {}), **special, **changes})


def tiny_encoder(family: str = "bert", seed: int = 0, **changes: object) -> PreTrainedModel:
    """Return a tiny encoder with random weights drawn from `seed`, in evaluation mode."""
    torch.manual_seed(seed)
    return AutoModel.from_config(tiny_config(family, **changes)).eval()


def tiny_classifier(family: str = "bert", pooling: str = "mean", *, scale: float = 1, **options: object):
    """Return a tiny classifier in evaluation mode; its matrices are `scale` times their usual size."""
    torch.manual_seed(0)
    options = {"encoder_config": tiny_config(family), "id2label": dict(enumerate(LABELS)), **options}
    model = PooledEncoderForSequenceClassification(PooledEncoderConfig(pooling=pooling, **options)).eval()
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.data *= scale
    return model


def tiny_tokenizer() -> BertTokenizer:
    """Return a lower-casing WordPiece tokenizer: a few whole words, every other word spelt out."""
    return BertTokenizer({token: index for index, token in enumerate(VOCABULARY)}, model_max_length=64)


def save_tiny_encoder(path: Path, family: str = "bert", seed: int = 0) -> Path:
    """Write a tiny encoder and its tokenizer to a directory in the layout of the Hub; return it."""
    tiny_encoder(family, seed).save_pretrained(path)
    tiny_tokenizer().save_pretrained(path)
    return path


def article(label: str, number: int) -> str:
    """Return a short text made of a label's own words and a number; no two are near duplicates."""
    return " ".join(f"{word}{number}{label}" for word in TOPICS)


def articles(*labels: str, each: int = 6, start: int = 0) -> list[tuple[str, str]]:
    """Return (text, label) of `each` texts of every label."""
    return [(article(label, number), label) for number in range(start, start + each) for label in labels]


def run_python(*arguments: str, returncode: int = 0, **options: object) -> subprocess.CompletedProcess:
    """Run this Python in a process of its own, which must end with `returncode`."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, **options)
    assert done.returncode == returncode, done.stderr
    return done


def write_csv(path: Path, rows: list, fields: tuple = ("text", "label"), delimiter: str = ",") -> str:
    """Write rows under a header line; return the path as a flag takes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([fields, *rows])
    return str(path)
