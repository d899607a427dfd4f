"""The files of a repository: what a stranger needs, and nothing of the machine that trained it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from bbc_classifier.errors import InputError
from bbc_classifier.hub.finished_run import FinishedRun

CARD = "README.md"
# By pattern, so that nothing else that lies in the folder can leave it: no pickle, no optimizer state, no log.
MODEL_FILES = (
    "config.json",
    "*.safetensors",
    "*.py",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "vocab.bpe",
    "bpe.codes",
    "*.model",
)
FIGURES = "*.png"
RECORD = "record.json"
OURS = (CARD, RECORD, f"figures/{FIGURES}", *MODEL_FILES)
OF_ANOTHER_MODEL = ("onnx/*.onnx", "*.bin", "*.h5", "*.msgpack", "*.ot", "*.onnx", "*.ckpt")

Contents = Mapping[str, Path | bytes]


def contents(run: FinishedRun, card: str, graphs: Mapping[str, Path] | None = None) -> Contents:
    """Return each file by its path in the repository: where it lies, or what is in it.

    Args:
        run: The run.
        card: Text of the card.
        graphs: ONNX graphs by their paths in the repository.

    Raises:
        InputError: A file is a link that leads out of the run's folder.
    """
    # What `train` wrote has a hash in the record, whatever a tokenizer may call it.
    described = run.record["model"].get("settings_sha256", {})
    patterns = dict.fromkeys((*MODEL_FILES, *described))
    model = {path.name: _own(path, run) for pattern in patterns for path in sorted(run.model.glob(pattern))}
    return {
        CARD: card.encode(),
        **model,
        **{path: _own(file, run) for path, file in (graphs or {}).items()},
        RECORD: run.record_bytes,
        **{f"figures/{name}": _own(run.folder / "figures" / name, run) for name in figure_names(run)},
    }


def _own(file: Path, run: FinishedRun) -> Path:
    """Return a file of the run, which no link may take the place of: it would be published under the link's name.

    Raises:
        InputError: It is no file, or lies outside of the run's folder.
    """
    if not file.resolve().is_relative_to(run.folder.resolve()):
        raise InputError(f"'{file}' is a link that leads out of the run's folder; only what lies in it is published")
    if not file.is_file():
        raise InputError(f"'{file}' is no file; only what `train` wrote is published")
    return file


def figure_names(run: FinishedRun) -> list[str]:
    """Return the names of the run's pictures."""
    return sorted(path.name for path in (run.folder / "figures").glob(FIGURES))


def sizes(files: Contents) -> Iterator[tuple[str, int]]:
    """Yield each path and its bytes."""
    for path, content in files.items():
        yield path, len(content) if isinstance(content, bytes) else content.stat().st_size


def write_contents(files: Contents, folder: Path) -> None:
    """Write the repository as a folder."""
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.read_bytes())


def left_over(there: Iterable[str], files: Contents, *, another: bool, described: Collection[str] = ()) -> list[str]:
    """Return the files of a repository that a new version has no more; what others put there is not among them.

    Args:
        there: Paths of what is there.
        files: The new version.
        another: Whether another model was there, whose graphs and weights of any kind would be taken for this one's.
        described: Names of what the record that is there describes, whatever a tokenizer may call it.
    """
    patterns = (*OURS, *OF_ANOTHER_MODEL) if another else OURS
    matches = {path for path in there for pattern in patterns if PurePosixPath(path).match(pattern)}
    return [path for path in there if path not in files and (path in matches or path in described)]
