"""The options of `bbc-classifier card` and `bbc-classifier push`."""

from dataclasses import dataclass, field

from bbc_classifier.errors import InputError


@dataclass
class CardArguments:
    """What a card says that no record knows."""

    license: str | None = field(
        default=None,
        metadata={
            "help": "Licence id of the Hub, such as apache-2.0. Unset: of a classifier of BBC News, other, with the "
            "terms of the articles; of other data nothing, and push asks for one."
        },
    )
    language: str | None = field(
        default=None, metadata={"help": "Language code of the texts; unset, en for BBC News, or else not said."}
    )
    tag: list[str] = field(default_factory=list, metadata={"help": "Tags beside those that follow from the run."})
    comparison: str | None = field(
        default=None,
        metadata={
            "help": "Folder of a comparison or report; the card then says where this configuration stands in it. "
            "Unset: the comparison that the run is a cell of, or none."
        },
    )


@dataclass
class CardFileArguments(CardArguments):
    """Where a card is written, and for which repository."""

    repo_id: str | None = field(
        default=None, metadata={"help": "Hub id that the card's examples load; unset, your-name/<name of the run>."}
    )
    output: str | None = field(default=None, metadata={"help": "File to write; unset, README.md in the run's folder."})
    overwrite: bool = field(default=False, metadata={"help": "Replace the file."})


@dataclass
class PushArguments(CardArguments):
    """Where to publish, and how."""

    repo_id: str | None = field(
        default=None, metadata={"help": "Hub id to publish to, owner/name; without owner, your own."}
    )
    namespace: str | None = field(
        default=None,
        metadata={"help": "User or organisation: every run becomes a repository of it, and all of them a collection."},
    )
    collection: str = field(
        default="News classifiers", metadata={"help": "Title of the collection of --namespace; '' makes none."}
    )
    onnx: bool = field(
        default=False, metadata={"help": "Publish the ONNX graphs that were exported from the run, too, in onnx/."}
    )
    private: bool = field(default=False, metadata={"help": "Make a new repository private."})
    revision: str | None = field(default=None, metadata={"help": "Branch to publish to; a new one starts at main."})
    create_pr: bool = field(default=False, metadata={"help": "Open a pull request instead of changing the branch."})
    token: str | None = field(
        default=None, metadata={"help": "Access token; unset, HF_TOKEN or that of `hf auth login`. Never recorded."}
    )
    dry_run: bool = field(
        default=False, metadata={"help": "Write what would be uploaded to --output_dir, and ask the Hub nothing."}
    )
    output_dir: str = field(default="publish", metadata={"help": "Folder of --dry_run; a folder per repository."})
    overwrite: bool = field(
        default=False, metadata={"help": "Replace the model of another run in the repository, or a dry run's folder."}
    )

    def __post_init__(self) -> None:
        """Check that there is one place to publish to.

        Raises:
            InputError: There is none, or there are two, or a branch is named beside a pull request.
        """
        if bool(self.repo_id) == bool(self.namespace):
            raise InputError("give --repo_id owner/name for one run, or --namespace owner for any number")
        if self.create_pr and self.revision:
            raise InputError("--create_pr opens a branch of its own; leave out --revision")
