"""A Hub data set that was read before, found again in the libraries' caches without asking the Hub.

`load_dataset` without a network returns whatever was prepared last, also where another revision or configuration was
asked for. Here only the very commit and configuration will do.
"""

from pathlib import Path

from datasets import DatasetBuilder, config
from datasets.naming import camelcase_to_snakecase
from datasets.packaged_modules.cache.cache import Cache
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCard, constants, try_to_load_from_cache
from huggingface_hub.file_download import repo_folder_name

# What the library calls the configuration of a data set whose card names none.
UNNAMED = "default"


def cached_commit(dataset_id: str, revision: str | None) -> str | None:
    """Return the commit that a branch or tag was when it was last read; what is neither stands for itself."""
    folder = repo_folder_name(repo_id=dataset_id, repo_type="dataset")
    reference = Path(constants.HF_HUB_CACHE) / folder / "refs" / (revision or constants.DEFAULT_REVISION)
    return reference.read_text("utf-8").strip() if reference.is_file() else revision


def cached_configurations(dataset_id: str, commit: str | None) -> dict[str, Path]:
    """Return the folder of each configuration that was read at one commit, by its name."""
    *namespace, name = dataset_id.split("/")
    root = Path(config.HF_DATASETS_CACHE) / "___".join([*namespace, camelcase_to_snakecase(name)])
    return {folder.parts[-3]: folder for folder in sorted(root.glob("*/*/*")) if folder.name == commit}


def default_configuration(dataset_id: str, commit: str | None) -> str | None:
    """Return the configuration that is meant where none is named, as the card of that commit has it."""
    card = try_to_load_from_cache(dataset_id, "README.md", revision=commit, repo_type="dataset")
    if not isinstance(card, str):
        return UNNAMED
    configurations = MetadataConfigs.from_dataset_card_data(DatasetCard.load(card).data)
    return configurations.get_default_config_name() if configurations else UNNAMED


def open_configuration(dataset_id: str, folder: Path) -> DatasetBuilder:
    """Return the builder of what lies prepared in a folder of `cached_configurations`."""
    name, version, commit = folder.parts[-3:]
    return Cache(
        dataset_name=dataset_id.split("/")[-1], repo_id=dataset_id, config_name=name, version=version, hash=commit
    )
