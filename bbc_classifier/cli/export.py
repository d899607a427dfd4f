"""`bbc-classifier export`: a classifier in a form that others load without this package."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bbc_classifier.cli.command_parser import command_parser
from bbc_classifier.cli.printing import print_pairs, print_written
from bbc_classifier.export.options import ExportArguments


def run(argv: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    parser = command_parser("export", ExportArguments)
    parser.add_argument("run", help="Run folder, model folder or Hub id of a classifier.")
    options, extra = parser.parse(argv)

    from bbc_classifier.evaluation.exported import measure_export
    from bbc_classifier.export.run import export, export_folder
    from bbc_classifier.inference.checkpoint import checkpoint_weights, model_location, open_checkpoint
    from bbc_classifier.inference.classifier import NewsClassifier

    folder = export_folder(extra.run, options)
    model, tokenizer = open_checkpoint(extra.run, options.revision)
    weights = checkpoint_weights(model_location(extra.run), options.revision)

    def measure(exported: Path) -> dict[str, Any]:
        return measure_export(extra.run, NewsClassifier(model, tokenizer), exported, on_data=options.measure)

    record = export(model, tokenizer, weights, folder, options, measure)
    print(f"\nExported: {extra.run} as {options.format}\n")
    print_pairs(_lines(record))
    print_written({"classifier": folder, "record": folder / "export.json"})
    print(f'Next: bbc-classifier predict --model {folder} "Shares fell in early trading."')
    return 0


def _lines(record: dict[str, Any]) -> list[tuple[str, str]]:
    measured = record["measured"]
    sizes = [f"{which['weights_bytes'] / 1e6:.1f} MB" for which in (record["original"], record["exported"]) if which]
    lines = [
        (
            f"logits, on {'full-precision graph' if record['format'] == 'onnx-int8' else 'example texts'}",
            record["logits"],
        ),
        ("weights", " → ".join(sizes)),
        ("measured on", f"{measured['data'] or 'example texts'}, n = {measured['n']}"),
        ("same answer", f"{100 * measured['agreement']:.2f} %"),
        ("largest difference of a probability", f"{measured['largest_difference']:.1e}"),
    ]
    if "accuracy" in measured:
        accuracy, milliseconds = measured["accuracy"], measured["milliseconds_per_text"]
        change = f"{100 * accuracy['change']:+.2f} points"
        lines += [
            ("accuracy", f"{100 * accuracy['original']:.2f} % → {100 * accuracy['exported']:.2f} % ({change})"),
            ("milliseconds a text", f"{milliseconds['original']:.1f} → {milliseconds['exported']:.1f}"),
        ]
    return lines
