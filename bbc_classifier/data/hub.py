"""Data sets of the Hub: asked for once, from then on in the libraries' caches, also without a network."""

from dataclasses import dataclass

from datasets import (
    Dataset,
    DatasetBuilder,
    get_dataset_config_names,
    get_dataset_default_config_name,
    load_dataset_builder,
)
from huggingface_hub import HfApi
from huggingface_hub.hf_api import DatasetInfo

from bbc_classifier.data.hub_cache import (
    cached_commit,
    cached_configurations,
    default_configuration,
    open_configuration,
)
from bbc_classifier.data.hub_failures import NO_ROWS, elsewhere, failures_in_one_sentence, hub_is_silent, reason_of
from bbc_classifier.errors import InputError, WorldError

SECONDS_TO_ANSWER = 30


@dataclass(frozen=True)
class HubTables:
    """The splits of a data set that hold rows, as the Hub has them.

    Attributes:
        splits: The table of each split, by the Hub's name of it, with all its columns.
        revision: Sha of the commit they are from.
    """

    splits: dict[str, Dataset]
    revision: str


def read_hub_tables(dataset_id: str, config: str | None, revision: str | None) -> HubTables:
    """Read every split of a data set on the Hub, or of the caches if the Hub does not answer.

    Args:
        dataset_id: "owner/name", or an old name that the Hub forwards to one.
        config: Configuration of the data set; None for its only or its default one.
        revision: Branch, tag or commit; None for the newest commit of main.

    Raises:
        InputError: The data set, revision or configuration does not exist or is not for this token; the data set is a
            loading script or empty; or its files are broken.
        WorldError: The Hub does not answer and the caches do not hold what is asked for, or the disk is full.
    """
    with failures_in_one_sentence(dataset_id, revision):
        try:
            info = HfApi().dataset_info(dataset_id, revision=revision, timeout=SECONDS_TO_ANSWER)
        except Exception as error:
            if not hub_is_silent(error):
                raise
            return _read_cached(dataset_id, config, revision, reason_of(error))
        _refuse_script(dataset_id, info)
        builder = _builder(dataset_id, info, config, revision)
        builder.download_and_prepare()
        return _tables(dataset_id, builder)


def _refuse_script(dataset_id: str, info: DatasetInfo) -> None:
    """Refuse what the library would refuse, but before its cache is tried."""
    script = f"{info.id.split('/')[-1]}.py"
    if script in {file.rfilename for file in info.siblings or []}:
        raise InputError(
            f"--dataset {dataset_id}: is a loading script, which is never run; "
            f"use a revision or a copy of it that holds files of rows and no {script}"
        )


def _builder(dataset_id: str, info: DatasetInfo, config: str | None, revision: str | None) -> DatasetBuilder:
    """Return what downloads one configuration, under the id the Hub gives it now."""
    try:
        # By the name of the revision, not by its sha: the libraries then note which commit it was, for offline days.
        builder = load_dataset_builder(info.id, config, revision=revision)
    except ValueError:
        _check_config(dataset_id, info, config)
        raise
    if builder.hash != info.sha:
        # The library hides a lost connection behind what it has in its cache, of whatever revision.
        raise WorldError(f"--dataset {dataset_id}: changed, or could not be reached, while it was read; try again")
    return builder


def _check_config(dataset_id: str, info: DatasetInfo, config: str | None) -> None:
    """Refuse a configuration that the data set does not have, or none where it has no default."""
    names = get_dataset_config_names(info.id, revision=info.sha)
    if config in names or (config is None and get_dataset_default_config_name(info.id, revision=info.sha)):
        return
    which = f"has no configuration '{config}'" if config else "has several configurations"
    raise InputError(f"--dataset {dataset_id}: {which}; --dataset_config can be {', '.join(names)}")


def _read_cached(dataset_id: str, config: str | None, revision: str | None, reason: str) -> HubTables:
    """Return what an earlier call has left in the caches, of exactly the revision and configuration asked for."""
    commit = cached_commit(dataset_id, revision)
    cached = cached_configurations(dataset_id, commit)
    wanted = config or default_configuration(dataset_id, commit)
    if wanted in cached:
        return _tables(dataset_id, open_configuration(dataset_id, cached[wanted]))
    silence = f"the Hub cannot be reached ({reason})"
    if cached:
        raise WorldError(
            f"--dataset {dataset_id}: {silence}, and of its configurations the cache holds only "
            f"{', '.join(cached)}; --dataset_config names one"
        )
    which = f"revision '{revision}' of it is not" if revision else "not"
    raise WorldError(f"--dataset {dataset_id}: {elsewhere(dataset_id)}{which} in the cache, and {silence}")


def _tables(dataset_id: str, builder: DatasetBuilder) -> HubTables:
    """Return the splits of what was prepared; the library cannot open one without rows."""
    sizes = {str(name): split.num_examples for name, split in builder.info.splits.items()}
    if not any(sizes.values()):
        raise InputError(f"--dataset {dataset_id}: {NO_ROWS}")
    return HubTables({name: builder.as_dataset(name) for name, size in sizes.items() if size}, builder.hash)
