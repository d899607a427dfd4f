"""A page to try a classifier in a browser: one text with the reasons, or a file of texts."""

import html
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from bbc_classifier.config import DemoArguments, PredictArguments
from bbc_classifier.data.sources import read_table
from bbc_classifier.errors import UserError
from bbc_classifier.evaluation.evaluate import EXAMPLE_TEXTS
from bbc_classifier.inference.bulk import predict_file
from bbc_classifier.inference.classifier import Predictor
from bbc_classifier.inference.explain import explain

PREVIEW_ROWS = 20
FILE_TYPES = [".csv", ".tsv", ".jsonl", ".xlsx", ".txt"]


def launch(args: DemoArguments) -> None:
    """Serve the page until it is interrupted. UserError: gradio is not installed, or there is no such classifier."""
    page = build_page(args)
    print(f"Open http://{args.host}:{args.port} (Ctrl-C ends it)")
    page.launch(
        server_name=args.host,
        server_port=args.port,
        max_file_size=args.max_file_size,
        quiet=True,
        footer_links=[],
        theme=_theme(),
    )


def build_page(args: DemoArguments) -> Any:
    """Return the page as a `gradio.Blocks`; nothing of it is loaded from another host."""
    gradio = _gradio()
    predictor = Predictor.from_pretrained(args.model, args.revision, args.device)
    config = predictor.config

    def classify(text: str) -> tuple[dict[str, float], str]:
        if not text.strip():
            raise gradio.Error("The text is empty.")
        if len(text) > args.max_characters:
            raise gradio.Error(f"The text is longer than {args.max_characters:,} characters.")
        (prediction,) = predictor.classify([text], min_confidence=args.min_confidence)
        notes = [f"**{', '.join(prediction.labels)}**" if prediction.labels else "**Unsure**"]
        if not prediction.labels:
            notes.append(f"No label has a probability of {args.min_confidence:.2f} or more.")
        if prediction.truncated:
            notes.append(f"Only the first {config.max_input_tokens} tokens were read.")
        return prediction.probabilities, "  \n".join(notes)

    def show_reasons(text: str) -> str:
        if not text.strip() or len(text) > args.max_characters:
            raise gradio.Error(f"Give a text of at most {args.max_characters:,} characters.")
        explanation = explain(predictor, text)
        words = ", ".join(f"{html.escape(word.word)} {word.score:+.2f}" for word in explanation.top())
        return f"<p>Words for <b>{html.escape(explanation.label)}</b>: {words}</p>{explanation.to_html()}"

    def classify_file(upload: str | None, column: str) -> tuple[Any, str, str]:
        if upload is None:
            raise gradio.Error("Choose a file first.")
        source = Path(upload)
        target = Path(tempfile.mkdtemp()) / f"{source.stem}-predictions{source.suffix}"
        columns = [name.strip() for name in column.split(",") if name.strip()] or None
        options = PredictArguments(
            model=args.model,
            input=str(source),
            output_file=str(target),
            text_column=columns,
            min_confidence=args.min_confidence,
            escape_formulas=source.suffix.lower() in (".csv", ".tsv", ".xlsx"),
        )
        try:
            result = predict_file(options, predictor, args.max_rows)
        except UserError as error:
            raise gradio.Error(html.escape(str(error).replace(str(source), source.name))) from error
        counts = ", ".join(f"{label or '(unsure)'} {count}" for label, count in result.label_counts.most_common())
        return _preview(target), f"{result.rows:,} rows: {counts}. Without a text: {result.invalid:,}.", str(target)

    with gradio.Blocks(title="bbc-classifier", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gradio.Markdown(f"# {Path(args.model).name}\n{config.encoder_config.model_type}, {config.pooling} pooling")
        with gradio.Tab("Text"), gradio.Row():
            with gradio.Column():
                text = gradio.Textbox(label="Text", lines=8, max_length=args.max_characters, autofocus=True)
                with gradio.Row():
                    button = gradio.Button("Classify", variant="primary")
                    reasons = gradio.Button("Why?")
                gradio.Examples(list(EXAMPLE_TEXTS.values()), text)
            with gradio.Column():
                note = gradio.Markdown()
                probabilities = gradio.Label(label="Probabilities", show_heading=False)
                words = gradio.HTML()
        with gradio.Tab("File"):
            upload = gradio.File(label="Table with a column of texts, or .txt: a text per line", file_types=FILE_TYPES)
            column = gradio.Textbox(label="Column of the text", info="Unset: text, or what the model was trained with.")
            classify_rows = gradio.Button("Classify the rows", variant="primary")
            counts = gradio.Markdown()
            preview = gradio.Dataframe(label=f"First {PREVIEW_ROWS} rows", interactive=False, wrap=True)
            download = gradio.File(label="All rows with predictions", interactive=False)
        gradio.on([button.click, text.submit], classify, text, [probabilities, note], api_name="classify")
        reasons.click(classify, text, [probabilities, note], api_name=False).then(
            show_reasons, text, words, api_name="explain"
        )
        text.change(lambda: "", None, words, api_name=False)
        classify_rows.click(classify_file, [upload, column], [preview, counts, download], api_name=False)
    return page.queue(max_size=args.max_waiting, default_concurrency_limit=1)


def _preview(path: Path) -> pd.DataFrame:
    """Return the first rows without the probability of each label; .txt has labels only."""
    frame = read_table(path).head(PREVIEW_ROWS)
    if "confidence" in frame:
        frame["confidence"] = pd.to_numeric(frame["confidence"]).round(3)
    return frame[[name for name in frame if not str(name).startswith("p_")]]


def _theme() -> Any:
    return _gradio().themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])


def _gradio() -> Any:
    try:
        import gradio
    except ModuleNotFoundError as error:
        raise UserError("the demo needs gradio: pip install gradio") from error
    return gradio
