"""What the loopback Hub holds for the tests: data sets that can be read, and every kind that cannot."""

import io

from datasets import ClassLabel, Dataset, Features, Value

from tests.hub_server import HubServer
from tests.hub_server.faults import Status

CSV = "text,label\nGoal!,sport\nA chip,tech\n"
OTHER_CSV = "text,label\nTor!,sport\n"
LABELS = ["sport", "tech"]


def card(yaml: str) -> str:
    """Return a README.md with this header."""
    return f"---\n{yaml}\n---\n"


CLASS_LABEL_CARD = card("""
dataset_info:
  features:
  - {name: text, dtype: string}
  - {name: label, dtype: {class_label: {names: {'0': sport, '1': tech}}}}
""")
TWO_CONFIGURATIONS = card("""
configs:
- {config_name: en, data_files: en/*.csv}
- {config_name: de, data_files: de/*.csv}
""")


def parquet(*rows: tuple[str, int]) -> bytes:
    """Return a Parquet file whose metadata say that `label` is a class."""
    features = Features({"text": Value("string"), "label": ClassLabel(names=LABELS)})
    buffer = io.BytesIO()
    Dataset.from_list([{"text": text, "label": label} for text, label in rows], features=features).to_parquet(buffer)
    return buffer.getvalue()


def add_readable(hub: HubServer) -> None:
    hub.add_dataset("ann/csv", {"news.csv": CSV, "README.md": "# News\n"})
    hub.add_dataset("ann/CamelCase-2.0", {"news.csv": CSV})
    hub.add_dataset("ann/jsonl", {"train.jsonl": '{"text": "Goal!"}\n', "dev.jsonl": '{"text": "A chip"}\n'})
    hub.add_dataset(
        "ann/parquet",
        {
            "data/train-00000-of-00001.parquet": parquet(("Goal!", 0)),
            "data/test-00000-of-00001.parquet": parquet(("A chip", 1)),
        },
    )
    hub.add_dataset("ann/card", {"train.csv": "text,label\nA chip,1\n", "README.md": CLASS_LABEL_CARD})
    hub.add_dataset("ann/half", {"train.csv": CSV, "test.csv": "text,label\n"})
    hub.add_dataset("ann/secret", {"train.csv": CSV}, private=True)
    two = {"en/train.csv": CSV, "de/train.csv": OTHER_CSV}
    hub.add_dataset("ann/two", {**two, "README.md": TWO_CONFIGURATIONS})
    default = TWO_CONFIGURATIONS.replace("en/*.csv", "en/*.csv, default: true")
    hub.add_dataset("ann/default", {**two, "README.md": default})
    hub.rename("old_name", "ann/csv")
    versions = hub.add_dataset("ann/versions", {"train.csv": CSV, "README.md": "# First\n"})
    versions.commit({"train.csv": OTHER_CSV}, "dev")
    versions.commit({"train.csv": CSV + "A third,tech\n"})


def add_unreadable(hub: HubServer) -> None:
    hub.add_dataset("bob/script", {"script.py": "raise SystemExit(3)"})
    hub.add_dataset("bob/beside", {"beside.py": "raise SystemExit(3)", "train.csv": CSV})
    hub.add_dataset("bob/nothing", {})
    hub.add_dataset("bob/no-rows", {"train.csv": "text,label\n"})
    hub.add_dataset("bob/no-bytes", {"train.csv": ""})
    hub.add_dataset("bob/not-parquet", {"train.parquet": b"not Parquet at all"})
    hub.add_dataset("bob/not-json", {"train.jsonl": '{"text": "Goal!"}\n{"text":\n'})
    hub.add_dataset("bob/not-utf8", {"train.csv": "text,label\nZürich,sport\n".encode("latin-1")})
    hub.add_dataset("bob/columns", {"train/a.csv": CSV, "train/b.csv": "body,topic\nGoal!,sport\n"})
    hub.add_dataset("bob/formats", {"train.csv": CSV, "test.jsonl": '{"text": "Goal!"}\n'})
    hub.add_dataset("bob/not-yaml", {"train.csv": CSV, "README.md": card("configs: {a")})
    hub.add_dataset("bob/gone", {"train.csv": CSV, "README.md": card("configs: [{config_name: a, data_files: a.csv}]")})
    hub.add_dataset("bob/features", {"train.csv": CSV, "README.md": CLASS_LABEL_CARD.replace("text", "body")})
    splits = "dataset_info: {splits: [{name: train, num_examples: 5, num_bytes: 3}]}"
    hub.add_dataset("bob/sizes", {"train.csv": CSV, "README.md": card(splits)})
    hub.add_dataset("bob/trouble", {"train.csv": CSV})
    hub.add_dataset("bob/breaks-off", {"train.csv": CSV})
    hub.inject(Status("bob/trouble", times=None))
    hub.inject(Status("bob/breaks-off.*train.csv", times=None))
