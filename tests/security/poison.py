"""Files that would leave a mark if anything of them were run."""

import json
from pathlib import Path

import torch


class Marks:
    """Touches a file as soon as it is unpickled."""

    def __init__(self, mark: Path):
        self._mark = mark

    def __reduce__(self) -> tuple:
        return Path.touch, (self._mark,)


def write_pickle(file: Path, mark: Path) -> None:
    """Write what `torch.save` writes, of an object that leaves the mark when it is read."""
    torch.save({"state": Marks(mark)}, file)


def poison(folder: Path, mark: Path) -> None:
    """Let configuration and tokenizer of a checkpoint name code beside them, and lay pickles there."""
    code = f"from pathlib import Path\n\nPath({str(mark)!r}).touch()\n\n\nclass Evil:\n    pass\n"
    for name in ("evil.py", "modeling_pooled_encoder.py", "configuration_pooled_encoder.py"):
        (folder / name).write_text(code)
    names = ("AutoConfig", "AutoModel", "AutoModelForSequenceClassification")
    _change(folder / "config.json", auto_map={name: "evil.Evil" for name in names})
    _change(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Evil", "evil.Evil"]})
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt"):
        write_pickle(folder / name, mark)


def _change(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))
