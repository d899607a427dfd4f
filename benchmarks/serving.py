"""Serving by `bbc-classifier serve`: rate, latency at half load, a restart of the workers under load, bad requests.

Openings are titles with first paragraphs of BBC News. Clients send one text at a time and share the machine with the
server. `classify_texts_per_second` is one call of `Predictor.classify` on the same texts. Writes results/serving.json.
"""

import asyncio
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import numpy as np
import psutil
from common import make_parser, timed, write_results

from bbc_classifier import load_data
from bbc_classifier.inference.classifier import Predictor

HEAD = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
PARTS = [b"NaN", b"1e999", b"\\ud800", b"\\u0000", b"\xff", b"[" * 500, b"null", b'["a"],' * 40, b'"', b"{", b"\0", b""]


async def send(port: int, bodies: list[bytes], answers: list[tuple[str, float]], every: float) -> None:
    """Take bodies until none is left, one in `every` seconds; add the status, or the error, and seconds of each."""
    last, at = True, time.perf_counter() + random.random() * every
    while bodies:
        if at > time.perf_counter():
            await asyncio.sleep(at - time.perf_counter())
            continue
        at, started, body = at + every, time.perf_counter(), bodies.pop()
        try:
            if last:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HEAD.format(len(body)).encode() + body)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            await reader.readexactly(int(re.findall(r"content-length: (\d+)", head)[0]))
            status, last = head.split()[1], "connection: close" in head
        except (OSError, asyncio.IncompleteReadError) as error:
            status, last = type(error).__name__, True
        answers.append((status, time.perf_counter() - started))


async def measure(port: int, bodies: list[bytes], clients: int, rate: float = 0, restarted: int = 0) -> dict[str, Any]:
    """Send all bodies; with the process of a server, send them again until its workers are new."""
    answers, waiting, started = list[tuple[str, float]](), list(bodies), time.perf_counter()
    tasks = [asyncio.create_task(send(port, waiting, answers, rate and clients / rate)) for _ in range(clients)]
    if restarted:
        server = psutil.Process(restarted)
        old = set(server.children()[1:])  # the first counts shared resources
        server.send_signal(signal.SIGHUP)
        while old & set(server.children()):
            waiting += bodies[len(waiting) :]
            await asyncio.sleep(0.1)
    await asyncio.gather(*tasks)
    per_second = round(len(answers) / (time.perf_counter() - started), 1)
    p50, p99 = (round(1000 * float(np.quantile([seconds for _, seconds in answers], q)), 1) for q in (0.5, 0.99))
    statuses = dict(Counter(status for status, _ in answers))
    return {"clients": clients, "per_second": per_second, "p50_ms": p50, "p99_ms": p99, "statuses": statuses}


def mutated(body: bytes, rng: random.Random) -> bytes:
    """Return a body with one to three places cut, doubled or replaced."""
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(body) + 1)
        end = rng.choice([start, start + 3, len(body)])
        body = body[:start] + rng.choice([*PARTS, body[start:end] * 2]) + body[end:]
    return body


def main() -> None:
    """Measure and write the results."""
    parser = make_parser(__doc__, "serving.json")
    parser.add_argument("--model", default="runs/minilm-mean-seed42", help="run directory (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=3_000, help="of each measurement (default: %(default)s)")
    parser.add_argument("--bad_requests", type=int, default=10_000, help="default: %(default)s")
    parser.add_argument("--port", type=int, default=8099, help="default: %(default)s")
    args = parser.parse_args()
    articles, rng = load_data()["test"]["text"], random.Random(42)
    openings = [text.split("\n\n")[0] for text in articles]
    kinds = {"openings": openings * (args.requests // len(openings) + 1), "articles": articles}
    predictor = Predictor.from_pretrained(args.model, precision="auto")
    record: dict[str, Any] = {"precision": predictor.precision, "classify_texts_per_second": {}, "served": {}}
    for kind, texts in kinds.items():
        predictor.classify(texts[:64])
        record["classify_texts_per_second"][kind] = round(len(texts) / timed(predictor.classify, texts), 1)
    bodies = {kind: [json.dumps({"inputs": text}).encode() for text in texts] for kind, texts in kinds.items()}
    command = [sys.executable, "-m", "bbc_classifier", "serve", args.model, f"--port={args.port}"]
    own = bodies["openings"]
    for workers in (1, 2):
        server = subprocess.Popen([*command, f"--workers={workers}"], stdout=subprocess.PIPE)
        try:
            assert server.stdout and server.stdout.readline().startswith(b"Listening"), "the server did not start"
            asyncio.run(measure(args.port, own[:100], 16))
            full = {kind: asyncio.run(measure(args.port, each, 64)) for kind, each in bodies.items()}
            record["served"][f"{workers} workers"] = full
            if workers == 2:
                record["restart"] = asyncio.run(measure(args.port, own, 16, restarted=server.pid))
                continue
            record["half_load"] = asyncio.run(measure(args.port, own, 16, full["openings"]["per_second"] / 2))
            mutants = [mutated(rng.choice(own), rng) for _ in range(args.bad_requests)]
            record["bad_requests"] = asyncio.run(measure(args.port, mutants, 16))
        finally:
            server.terminate()
            record[f"exit_code_of_{workers}"] = server.wait()
    print(json.dumps(record, indent=1))
    write_results(args.output_file, record)


if __name__ == "__main__":
    main()
