"""Training against its peers, side by side: `python benchmarks/peers.py`, after `pip install -e ".[benchmark]"`.

Every contender is trained as a process of its own, on the same rows of BBC News; in each round all have their turn, so
that a machine whose speed drifts slows them all alike. The clock runs from the start of the process to the model on
disk: imports and loading count, the test side does not. Writes `results/peers.json`, `.md` and `.png`.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from gemm_peak import gemm_peak
from peers_figure import draw_peers
from peers_table import peers_table

from bbc_classifier.data.articles import load_articles
from bbc_classifier.data.options import DataArguments
from bbc_classifier.evaluation.intervals import wilson_interval
from bbc_classifier.model.encoders import locate_encoder
from bbc_classifier.provenance import provenance
from bbc_classifier.records import read_json, write_json, write_text

HERE = Path(__file__).parent
RESULTS = Path("results")
ROUNDS, FIRST_SEED, ENCODER = 3, 42, "minilm"
FEW_SHOT_STEPS = 25
PEERS = ("setfit", "sentence-transformers")
# name: (program, its options)
CONTENDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "this package, default recipe": ("recipe", {"recipe": "default"}),
    "stock Trainer recipe": ("stock_trainer", {}),
    "SetFit, 8 a class": ("setfit_few_shot", {"per_class": 8, "max_steps": FEW_SHOT_STEPS}),
    "SetFit, 64 a class": ("setfit_few_shot", {"per_class": 64, "max_steps": FEW_SHOT_STEPS}),
    "sentence embeddings + logistic regression": ("sentence_embeddings", {}),
    "TF-IDF + linear SVM": ("tfidf_linear", {}),
}


def common_task(folder: Path) -> dict[str, Any]:
    """Return what all contenders share: the rows of each side, and the encoder."""
    articles = load_articles(DataArguments())
    sides = {
        side: {"texts": list(articles.side(side)["text"]), "labels": list(articles.side(side)["label"])}
        for side in ("train", "validation", "test")
    }
    encoder = str(locate_encoder(ENCODER).path)
    sentence_encoder = folder / "sentence-encoder"
    run_program("make_sentence_encoder", encoder, str(sentence_encoder))
    return {"labels": articles.label_names, **sides, "encoder": encoder, "sentence_encoder": str(sentence_encoder)}


def run_program(name: str, *arguments: str) -> None:
    """Run one program of the folder `contenders`; what it says is shown only if it fails.

    Raises:
        RuntimeError: It fails.
    """
    program = HERE / "contenders" / f"{name}.py"
    done = subprocess.run([sys.executable, str(program), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr[-3000:]}")


def measure(program: str, options: dict[str, Any], shared: dict[str, Any], seed: int) -> dict[str, Any]:
    """Train one contender once; return its answer and seconds."""
    shared = dict(shared)
    options = {**options, "sentence_encoder": shared.pop("sentence_encoder")}
    with tempfile.TemporaryDirectory() as folder:
        task, answer = Path(folder) / "task.json", Path(folder) / "answer.json"
        write_json(task, {**shared, "seed": seed, "options": options})
        started = time.time()
        run_program(program, str(task), str(answer))
        content = read_json(answer)
    return {"seed": seed, "seconds": round(content.pop("saved_at") - started, 2), **content}


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians and ranges of a contender's runs, and its accuracy: of the median run, with its interval."""
    seconds = [run["seconds"] for run in runs]
    speeds = [run["gflop_per_second"] for run in runs if run["gflop_per_second"] is not None]
    middle = sorted(runs, key=lambda run: run["correct"])[len(runs) // 2]
    return {
        "seconds": {"median": statistics.median(seconds), "min": min(seconds), "max": max(seconds)},
        "accuracy": {
            "median": middle["correct"] / middle["n"],
            "interval": wilson_interval(middle["correct"], middle["n"]),
            "min": min(run["correct"] for run in runs) / middle["n"],
            "max": max(run["correct"] for run in runs) / middle["n"],
        },
        "peak_memory_mib": {
            kind: max(run["peak_memory_mib"][kind] for run in runs) for kind in runs[0]["peak_memory_mib"]
        },
        "gflop_per_second": statistics.median(speeds) if speeds else None,
    }


def main() -> None:
    """Run the rounds and write the three files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="Turns of each contender (default: %(default)s).")
    parser.add_argument(
        "--only", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS), help="Leave others out."
    )
    parser.add_argument(
        "--output", type=Path, default=RESULTS / "peers.json", help="The record (default: %(default)s)."
    )
    arguments = parser.parse_args()
    origin = provenance()
    origin["versions"] |= {package: version(package) for package in PEERS}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in arguments.only}
    peaks: dict[str, list[float]] = {"fp32": [], "bf16": []}
    with tempfile.TemporaryDirectory() as folder:
        shared = common_task(Path(folder))
        for turn in range(arguments.rounds):
            peaks["fp32"].append(gemm_peak(torch.float32))
            peaks["bf16"].append(gemm_peak(torch.bfloat16))
            for name in arguments.only:
                run = measure(*CONTENDERS[name], shared, FIRST_SEED + turn)
                runs[name].append(run)
                print(f"round {turn + 1}: {name}: {run['seconds']:.0f} s, {run['correct']} of {run['n']}", flush=True)
    record = {
        "schema": 1,
        "data": "BBC News, fixed split by group; test side",
        "n": {side: len(shared[side]["texts"]) for side in ("train", "validation", "test")},
        "rounds": arguments.rounds,
        "few_shot_steps": FEW_SHOT_STEPS,
        "gemm_peak_gflop_per_second": {name: statistics.median(values) for name, values in peaks.items()},
        "contenders": {name: {**summary(runs[name]), "runs": runs[name]} for name in arguments.only},
        "provenance": origin,
    }
    write_json(arguments.output, record)
    write_text(arguments.output.with_suffix(".md"), peers_table(record))
    draw_peers(record, arguments.output.with_suffix(".png"))
    print(f"Written: {arguments.output}, and .md and .png beside it")


if __name__ == "__main__":
    main()
