"""Prediction against its peers: texts a second by length of the texts, agreement with float32, latency of one text.

All contenders read the same tokens of the same BBC test texts with the same classifier, in rounds that take turns.
Writes results/inference.json. Needs: pip install -e ".[benchmark]"
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from common import gemm_peak, make_parser, save_sentence_encoder, shown, summary, timed, training_flop, write_results
from transformers import pipeline

from bbc_classifier import load_data
from bbc_classifier.config import ExportArguments
from bbc_classifier.export.export import export
from bbc_classifier.inference.classifier import EXPORT_FILES, Predictor, softmax, tokenize

Predict = Callable[[list[str]], np.ndarray]  # texts to probabilities (texts, labels)
BASE = "pipeline fp32, batch 1"
HALF = torch.float16 if torch.cuda.is_available() else torch.bfloat16


def with_pipeline(model: str, names: list[str], batch_size: int, dtype: torch.dtype) -> Predict:
    """Return transformers' pipeline with the classifier."""
    kwargs = {"trust_remote_code": True, "dtype": dtype, "device": None if torch.cuda.is_available() else "cpu"}
    classify = pipeline("text-classification", model=model, top_k=None, **kwargs)

    def predict(texts: list[str]) -> np.ndarray:
        scores = [{entry["label"]: entry["score"] for entry in row} for row in classify(texts, batch_size=batch_size)]
        return np.array([[row[name] for name in names] for row in scores])

    return predict


def with_sentence_transformers(max_tokens: int) -> Predict:
    """Return the usual alternative: embeddings of MiniLM, of up to 512 tokens, and a logistic regression."""
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression

    with tempfile.TemporaryDirectory() as directory:
        encoder = SentenceTransformer(save_sentence_encoder("minilm", directory))
    encoder.max_seq_length, train = min(512, max_tokens), load_data(max_train_samples=100)["train"]
    regression = LogisticRegression(max_iter=1000).fit(encoder.encode(train["text"][:]), train["label"][:])
    return lambda texts: regression.predict_proba(encoder.encode(texts))


def by_itself(runtime: str, graph: Path, predictor: Predictor) -> Predict:
    """Return an exported graph in batches of 32 texts in their order, as a user of ONNX Runtime or OpenVINO runs it."""
    run: Callable[[dict[str, np.ndarray]], np.ndarray]
    if runtime == "ONNX Runtime":
        import onnxruntime

        session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        run = lambda inputs: session.run(["logits"], inputs)[0]  # noqa: E731
    else:
        import openvino

        compiled = openvino.compile_model(graph, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
        run = lambda inputs: compiled(inputs)[0]  # noqa: E731

    def batches(texts: list[str]) -> Iterator[np.ndarray]:
        input_ids = iter(tokenize(predictor.tokenizer, texts, predictor.config)[0])
        while rows := list(islice(input_ids, 32)):
            padded = predictor.tokenizer.pad({"input_ids": rows}, return_tensors="np")
            yield run({name: padded[name].astype(np.int64) for name in ("input_ids", "attention_mask")})

    return lambda texts: softmax(np.concatenate(list(batches(texts))))


def make_contenders(model: str, exports: Path) -> dict[str, Predict]:
    """Return every contender by its name; the classifier's own formats last."""
    load = partial(Predictor.from_pretrained, model)
    exact, path = load(), str(Path(model, "model") if Path(model, "model").is_dir() else model)
    contenders = {BASE: with_pipeline(path, exact.label_names, 1, torch.float32)}
    contenders["pipeline fp32, batch 32"] = with_pipeline(path, exact.label_names, 32, torch.float32)
    contenders["pipeline half precision, batch 32"] = with_pipeline(path, exact.label_names, 32, HALF)
    contenders["sentence-transformers, logistic regression"] = with_sentence_transformers(exact.config.max_input_tokens)
    contenders |= {"ours, fp32": exact.predict_proba, "ours": load(precision="auto").predict_proba}
    if exact.config.adaptive_reading:
        contenders["ours, adaptive"] = load(precision="auto", adaptive=True).predict_proba
    if not torch.cuda.is_available():
        for name in ("onnx", "openvino-int8"):
            export(ExportArguments(model, format=name, output_dir=str(exports / name), measure=False))
        with patch("bbc_classifier.inference.classifier.HAS_OPENVINO", False):
            contenders["ours, onnx"] = Predictor.from_pretrained(exports / "onnx").predict_proba
        graphs = {"ours, onnx in OpenVINO": "onnx", "ours, openvino-int8": "openvino-int8"}
        load_graph = partial(Predictor.from_pretrained, precision="auto")
        contenders |= {name: load_graph(exports / graph).predict_proba for name, graph in graphs.items()}
        for runtime in ("ONNX Runtime", "OpenVINO"):
            graph = exports / "onnx" / EXPORT_FILES["onnx"]
            contenders[f"{runtime} by itself, batch 32"] = by_itself(runtime, graph, exact)
        if exact.config.adaptive_reading:
            for name, graph in graphs.items():
                contenders[f"{name}, adaptive"] = load_graph(exports / graph, adaptive=True).predict_proba
    return contenders


def cut(predictor: Predictor, texts: list[str], tokens: int) -> list[str]:
    """Return the texts cut to so many tokens, without those that are shorter."""
    input_ids, tokenizer = tokenize(predictor.tokenizer, texts, predictor.config)[0], predictor.tokenizer
    return [tokenizer.decode(ids[1 : tokens - 1]) for ids in input_ids if len(ids) >= tokens]


def compare(contenders: dict[str, Predict], texts: list[str], rounds: int) -> dict[str, Any]:
    """Return rate, ratio to `BASE` and agreement with "ours, fp32" of every contender."""
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    answers = {name: predict(texts) for name, predict in contenders.items()}  # the first round is slower
    for _ in range(rounds):
        for name, predict in contenders.items():
            time.sleep(0.1)  # threads of ONNX Runtime stay busy for a while after a call
            rates[name].append(len(texts) / timed(predict, texts))
    exact, rows = answers["ours, fp32"], {}
    for name, own in rates.items():
        ratio = statistics.median(rate / base for rate, base in zip(own, rates[BASE], strict=True))
        equal = float((answers[name].argmax(axis=1) == exact.argmax(axis=1)).mean())
        difference = float(np.abs(answers[name] - exact).max())
        rows[name] = {"texts_per_second": summary(own, 1), "ratio": round(ratio, 2)}
        rows[name] |= {"equal_labels": round(equal, 4), "max_probability_difference": round(difference, 4)}
        rate = shown(rows[name]["texts_per_second"])
        print(f"  {name:44} {rate} texts/s, × {ratio:.2f}, equal {equal:.3f}", flush=True)
    return rows


def agreement(contenders: dict[str, Predict], articles: list[str]) -> dict[str, Any]:
    """Return how many labels of articles, titles and first 30 words differ from those of "ours, fp32"."""
    parts = {"articles": articles, "titles": [text.split("\n")[0] for text in articles]}
    parts["first 30 words"] = [" ".join(text.split()[:30]) for text in articles]
    different: dict[str, Any] = {"num_articles": len(articles)}
    for part, texts in parts.items():
        exact = contenders["ours, fp32"](texts).argmax(axis=1)
        for name in (name for name in contenders if name.startswith("ours")):
            count = int((contenders[name](texts).argmax(axis=1) != exact).sum())
            different.setdefault(name, {})[part] = count
    return different


def latency(predict: Predict, texts: list[str]) -> dict[str, float]:
    """Return the median and the 99th percentile of the milliseconds of one text at a time."""
    predict(texts[:1])
    milliseconds = [1000 * timed(predict, [text]) for text in texts]
    return {"p50": round(float(np.median(milliseconds)), 1), "p99": round(float(np.quantile(milliseconds, 0.99)), 1)}


def main() -> None:
    """Measure every length and write the results."""
    parser = make_parser(__doc__, "inference.json")
    parser.add_argument("--model", default=ExportArguments.model, help="default: %(default)s")
    parser.add_argument("--texts", type=int, default=128, help="articles (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    args = parser.parse_args()
    whole, record = list(load_data()["test"]["text"]), dict[str, Any]()
    articles = whole[: args.texts]
    with tempfile.TemporaryDirectory() as directory:
        contenders, exact = make_contenders(args.model, Path(directory)), Predictor.from_pretrained(args.model)
        cases = {f"{tokens} tokens": cut(exact, articles, tokens) for tokens in (8, 32, 128, 256)}
        titles = [text.split("\n")[0] for text in articles]
        cases |= {"articles": articles, "articles and titles": [*articles, *titles]}
        for case, texts in cases.items():
            input_ids = tokenize(exact.tokenizer, texts, exact.config)[0]
            print(f"{case}: {len(texts)} texts, {np.mean([len(ids) for ids in input_ids]):.0f} tokens", flush=True)
            counts, rows = np.array([len(ids) for ids in input_ids]), compare(contenders, texts, args.rounds)
            flop = training_flop(exact.model.encoder, counts.sum(), (counts**2).sum()) / 3 / len(texts)  # forward
            record[case] = {"num_texts": len(texts), "mean_tokens": round(counts.mean(), 1)}
            record[case] |= {"gflop_per_text": round(flop / 1e9, 3), "contenders": rows}
        different = agreement(contenders, whole)
        single = {name: {"title": latency(contenders[name], titles)} for name in (BASE, "ours, fp32", "ours")}
        for name, entry in single.items():
            entry["article"] = latency(contenders[name], articles)
    peaks = {"ours, fp32": gemm_peak(torch.float32) / 1e9, "ours": gemm_peak(HALF) / 1e9}
    for case in record.values():
        rates = {name: case["contenders"][name]["texts_per_second"]["median"] for name in peaks}
        shares = {name: rate * case["gflop_per_text"] / peaks[name] for name, rate in rates.items()}
        case["share_of_gemm_peak"] = {name: round(share, 3) for name, share in shares.items()}
    options = {"model": Path(args.model).name, "rounds": args.rounds, "threads": torch.get_num_threads()}
    options |= {"cases": record, "different_labels": different, "latency_ms": single}
    gemm = {name: round(value) for name, value in peaks.items()}
    write_results(args.output_file, {**options, "gemm_gflops": gemm})


if __name__ == "__main__":
    main()
