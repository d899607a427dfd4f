"""A page to try a classifier in a browser: one text with the reasons, or a file of texts."""

import html
import os
import tempfile
import time
import zipfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from bbc_classifier.config import DemoArguments, PredictArguments
from bbc_classifier.data.sources import CELL_FORMATS, read_table
from bbc_classifier.errors import UserError
from bbc_classifier.inference.bulk import predict_file
from bbc_classifier.inference.classifier import EXAMPLE_TEXTS, Predictor
from bbc_classifier.inference.explain import explain
from bbc_classifier.io import escape_markdown

try:
    import gradio
except ModuleNotFoundError as error:
    raise UserError("the demo needs gradio: pip install gradio") from error

PREVIEW_ROWS = 20
FILE_TYPES = [".csv", ".tsv", ".jsonl", ".xlsx", ".txt"]
MAX_COMPRESSION = 20  # of a workbook: its parts may be so many times larger than the largest upload


def launch(args: DemoArguments) -> None:
    """Serve the page until it is interrupted. UserError: the classifier does not exist, or the port is in use."""
    page = build_page(args)
    try:
        page.launch(
            server_name=args.host,
            server_port=args.port,
            max_file_size=args.max_file_size,
            share=False,
            quiet=True,
            footer_links=[],
            theme=gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
            prevent_thread_lock=True,
        )
    except OSError as error:
        problem = f"port {args.port} of {args.host} is in use, or this machine does not have the address"
        raise UserError(f"--host, --port: {problem}; choose another --port") from error
    print(f"Open http://{args.host.replace('0.0.0.0', '127.0.0.1')}:{args.port} (Ctrl-C ends it)", flush=True)
    if args.host not in ("127.0.0.1", "localhost"):
        print("Everybody who can reach this machine can use the page: it has no password.", flush=True)
    page.block_thread()


def build_page(args: DemoArguments) -> Any:
    """Return the page as a `gradio.Blocks`; nothing of it is loaded from another host."""
    predictor = Predictor.from_pretrained(args.model, args.revision, args.device, precision="auto")
    config = predictor.config
    page_error = partial(gradio.Error, print_exception=False)
    results_dir = tempfile.TemporaryDirectory()  # removed when the process ends
    requests, minute = Counter[str](), 0.0
    min_confidence = (0.0 if predictor.multi_label else 0.5) if args.min_confidence is None else args.min_confidence

    def limit_rate(request: gradio.Request) -> None:
        nonlocal minute
        if (now := time.monotonic() // 60) != minute:
            minute = now
            requests.clear()
        client = request.client.host
        if os.environ.get("SPACE_ID"):  # behind the proxy of Spaces
            client = request.headers.get("x-forwarded-for", client).split(",")[0].strip()
        requests[client] += 1
        if requests[client] > args.max_requests_per_minute:
            raise page_error(f"More than {args.max_requests_per_minute} requests in a minute; try again in the next.")

    def validate(text: str, request: gradio.Request) -> None:
        limit_rate(request)
        if not text.strip():
            raise page_error("The text is empty.")
        if len(text) > args.max_characters:
            raise page_error(f"The text is longer than {args.max_characters:,} characters.")

    def classify(text: str, request: gradio.Request) -> tuple[dict[str, float], str]:
        validate(text, request)
        (prediction,) = predictor.classify([text], min_confidence=min_confidence)
        notes = [f"## {escape_markdown(', '.join(prediction.labels) or 'Unsure')}"]
        if not prediction.labels:
            notes.append(f"No label reaches {'its threshold' if predictor.multi_label else f'{min_confidence:.2f}'}.")
        if prediction.truncated:
            notes.append(f"The text is longer: {config.max_input_tokens} of its tokens were read.")
        return prediction.probabilities, "\n\n".join(notes)

    def show_reasons(text: str, request: gradio.Request) -> str:
        validate(text, request)
        try:
            explanation = explain(predictor, text)
        except UserError as error:
            raise page_error(html.escape(str(error))) from error
        label = html.escape(explanation.label)
        words = ", ".join(f"{html.escape(word.word)} {word.score:+.2f}" for word in explanation.top())
        legend = f"Blue words raise the logit of {label}, orange ones lower it; a word's score is what it adds."
        return f"<p>Words for <b>{label}</b>: {words}</p>{explanation.to_html()}<p><small>{legend}</small></p>"

    def classify_file(upload: str | None, column: str, request: gradio.Request) -> tuple[str, str, str]:
        limit_rate(request)
        if upload is None:
            raise page_error("Choose a file first.")
        source = Path(upload)
        for earlier in Path(results_dir.name).iterdir():  # The page has its own copy.
            earlier.unlink()
        suffix = source.suffix.lower().replace(".txt", ".csv")
        parts = zipfile.ZipFile(source).filelist if suffix == ".xlsx" and zipfile.is_zipfile(source) else []
        if sum(part.file_size for part in parts) > MAX_COMPRESSION * args.max_file_size:
            raise page_error("The workbook is too large.")
        target = Path(results_dir.name) / f"{source.stem}-predictions{suffix}"
        columns = [name.strip() for name in column.split(",") if name.strip()] or None
        options = PredictArguments(
            model=args.model,
            input=str(source),
            output_file=str(target),
            text_column=columns,
            min_confidence=min_confidence,
            escape_formulas=suffix in CELL_FORMATS,
        )
        try:
            result = predict_file(options, predictor, args.max_rows)
            preview = _preview(target, result.delimiter)
        except UserError as error:
            message = str(error).replace(str(source), source.name)
            if "--delimiter" in message or "--encoding" in message:  # options that the page does not have
                message = f"{source.name} cannot be read: save it as .xlsx, or as CSV in UTF-8 with commas"
            raise page_error(html.escape(message)) from error
        counts = ", ".join(
            f"{escape_markdown(label or 'unsure')} {count}" for label, count in result.label_counts.most_common()
        )
        return preview, f"{result.rows:,} rows: {counts}. Without a text: {result.invalid:,}.", str(target)

    with gradio.Blocks(title="bbc-classifier", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        title, labels = args.title or Path(args.model).name, ", ".join(predictor.label_names)
        about = f"{config.encoder_config.model_type} encoder, {config.pooling} pooling. Labels: {labels}"
        gradio.Markdown(f"# {escape_markdown(title)}\n{escape_markdown(about)}")
        with gradio.Tab("Text"):
            with gradio.Row():
                with gradio.Column():
                    text = gradio.Textbox(label="Text", lines=8, autofocus=True)
                    with gradio.Row():
                        button = gradio.Button("Classify", variant="primary", min_width=120)
                        reasons = gradio.Button("Why?", min_width=120)
                with gradio.Column():
                    note = gradio.Markdown()
                    probabilities = gradio.Label(label="Probabilities", show_heading=False)
                    words = gradio.HTML()
            gradio.Examples(list(EXAMPLE_TEXTS.values()), text)
        with gradio.Tab("File"):
            upload = gradio.File(label="Table with a column of texts, or .txt: a text per line", file_types=FILE_TYPES)
            column = gradio.Textbox(label="Column of the text", info="Empty: text, or the column of the training data.")
            classify_rows = gradio.Button("Classify the rows", variant="primary")
            counts = gradio.Markdown()
            download = gradio.File(label="All rows with predictions", interactive=False)
            preview = gradio.HTML()
        # One request at a time: they share the classifier's threads and the directory of results.
        one, hidden = {"concurrency_id": "classifier"}, {"api_visibility": "private"}
        gradio.on([button.click, text.submit], classify, text, [probabilities, note], api_name="classify", **one)
        reasons.click(classify, text, [probabilities, note], **hidden, **one).success(
            show_reasons, text, words, api_name="explain", **one
        )
        text.change(lambda: "", None, words, **hidden)
        classify_rows.click(classify_file, [upload, column], [preview, counts, download], **hidden, **one)
    return page.queue(max_size=args.max_waiting, default_concurrency_limit=1)


def _preview(path: Path, delimiter: str | None) -> str:
    """Return the first rows as HTML, escaped, predictions first, without the probability of each label."""
    frame = read_table(path, delimiter)
    shown, first = frame.head(PREVIEW_ROWS), [name for name in ("prediction", "confidence") if name in frame]
    if "confidence" in first:
        shown["confidence"] = pd.to_numeric(shown["confidence"]).map("{:.3f}".format, na_action="ignore")
    others = [name for name in shown if name not in first and not str(name).startswith("p_")]
    with pd.option_context("display.max_colwidth", 200):
        table = shown[[*first, *others]].to_html(index=False, border=0, na_rep="", justify="left")
    heading = f"The first {len(shown)} of {len(frame):,} rows; no prediction: unsure, or without a text."
    return f'<p>{heading}</p><div style="overflow-x:auto">{table}</div>'
