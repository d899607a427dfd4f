"""The server: answers as the classifier, errors as text-embeddings-inference, batches, restarts without loss."""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bbc_classifier.cli import main
from bbc_classifier.config import ServeArguments
from bbc_classifier.errors import UserError
from bbc_classifier.inference.classifier import Predictor
from bbc_classifier.serve import Batcher, RequestError, create_app

TEXTS, JSON = ["A goal in the match.", "goal " * 50, "The market \0 fell."], {"Content-Type": "application/json"}
VALUES = st.recursive(st.none() | st.booleans() | st.floats() | st.text(st.characters()), st.lists, max_leaves=5)


@pytest.fixture(scope="module")
def client(tiny_model_dir):
    args = ServeArguments(model=str(tiny_model_dir), precision="fp32", max_body_size=2048)
    with TestClient(create_app(args)) as client:
        yield client


def test_answers_are_those_of_the_classifier(client, tiny_model_dir):
    predictor = Predictor.from_pretrained(tiny_model_dir)
    answers = client.post("/predict", json={"inputs": [[text] for text in TEXTS]}).json()
    for text, answer, prediction in zip(TEXTS, answers, predictor.classify(TEXTS), strict=True):
        scores = {row["label"]: row["score"] for row in answer}
        assert list(scores) == list(prediction.probabilities) and scores == pytest.approx(prediction.probabilities)
        assert client.post("/predict", json={"inputs": text}).json() == [
            {"score": pytest.approx(row["score"]), "label": row["label"]} for row in answer
        ]
    raw = client.post("/predict", json={"inputs": [TEXTS[0]], "raw_scores": True}).json()
    exponents = np.exp([row["score"] for row in raw])
    assert exponents / exponents.sum() == pytest.approx([row["score"] for row in answers[0]])
    assert client.get("/health").status_code == 200
    assert client.get("/info").json()["max_input_length"] == 16
    assert 'requests_total{status="200"} 5.0' in client.get("/metrics").text


BAD = [
    (b'{"inputs": [["a"], [" "]]}', 400, "Empty"),
    (b'{"inputs": "%s"}' % (b"a" * 3000), 413, "Validation"),
    (json.dumps({"inputs": [["a"]] * 33}).encode(), 413, "Validation"),
    (json.dumps({"inputs": TEXTS[1], "truncate": False}).encode(), 422, "Validation"),
    *((body, 422, "Validation") for body in (b'{"inputs": ["a", "pair"]}', b'{"inputs": NaN}', b"[" * 1500, b"")),
    *((b'{"inputs": "%s"}' % text, 422, "Validation") for text in (b"\\ud800", b"\xff")),
]


def test_bad_requests_have_the_statuses_of_tei(client):
    for body, status, error_type in BAD:
        for content in (body, iter([body[:7], body[7:]])):  # with its length, and in chunks
            response = client.post("/predict", content=content, headers=JSON)
            assert (response.status_code, response.json()["error_type"]) == (status, error_type), body
    assert client.post("/predict", content=body).status_code == 415


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | VALUES.map(json.dumps) | st.tuples(VALUES, VALUES).map(lambda pair: json.dumps({"inputs": pair})))
def test_no_body_is_an_internal_error(client, body):
    assert client.post("/predict", content=body, headers=JSON).status_code in (200, 400, 413, 422)


def test_what_waits_is_one_batch_and_failures_stay_in_theirs(tiny_model_dir, caplog):
    predictor = Predictor.from_pretrained(tiny_model_dir)
    texts = [f"goal {number}" for number in range(20)]

    async def run() -> None:
        batcher = Batcher(predictor, ServeArguments(max_batch_texts=8, max_waiting=32))
        sizes, classify = [], batcher._predict
        batcher._predict = lambda batch: sizes.append(len(batch)) or classify(batch)
        requests = [asyncio.ensure_future(batcher.classify([text])) for text in texts]
        await asyncio.sleep(0)
        with pytest.raises(RequestError) as full:
            await batcher.classify(texts)
        assert full.value.status == 429
        requests[3].cancel()  # its client has gone
        task = asyncio.create_task(batcher.run())
        results = await asyncio.gather(*requests, return_exceptions=True)
        assert sizes == [8, 8, 4] and isinstance(results.pop(3), asyncio.CancelledError)
        expected = np.delete(predictor.predict_proba(texts), 3, axis=0)
        assert np.allclose([probabilities for ((_, probabilities, _),) in results], expected, atol=1e-6)
        batcher._predict = lambda batch: 1 / 0 if texts[0] in batch else classify(batch)
        requests = [batcher.classify([text]) for text in texts]
        results = await asyncio.gather(*requests, return_exceptions=True)
        assert [isinstance(result, RequestError) for result in results] == [True] * 8 + [False] * 12 and batcher.healthy
        task.cancel()

    asyncio.run(run())
    assert "ZeroDivisionError" in caplog.text and "goal" not in caplog.text


def test_options_and_the_port_are_checked(tiny_model_dir, capsys):
    for options in ({"max_body_size": 0}, {"max_waiting": 3}, {"port": 70000}):
        with pytest.raises(UserError, match="--"):
            ServeArguments(**options)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", str(tiny_model_dir), "--port", str(taken.getsockname()[1])]) == 2
    assert "--port" in capsys.readouterr().err
    assert main(["serve", str(tiny_model_dir / "absent")]) == 2


@pytest.mark.slow
def test_workers_are_replaced_and_stopped_without_losing_a_request(tiny_model_dir):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    command = [sys.executable, "-m", "bbc_classifier", "serve", str(tiny_model_dir), f"--port={address[1]}"]
    body = b'{"inputs": "goal"}'
    sent = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n" + body
    server = subprocess.Popen([*command, "--workers=2"], stdout=subprocess.PIPE, text=True)

    def workers() -> set[int]:
        return set(sorted(child.pid for child in psutil.Process(server.pid).children())[1:])  # without the tracker

    def ask() -> bytes:
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(sent)
            return connection.recv(100)[:12]

    try:
        assert server.stdout.readline() == f"Listening on http://127.0.0.1:{address[1]} (Ctrl-C ends it)\n"
        answers, before = [ask()], workers()
        connection, started = http.client.HTTPConnection(*address), time.perf_counter()
        for _ in range(20):
            connection.request("POST", "/predict", body, JSON) or connection.getresponse().read()
        assert time.perf_counter() - started < 20 * 0.04  # the pause between header and body without TCP_NODELAY
        os.kill(server.pid, signal.SIGHUP)
        while workers() & before:
            answers.append(ask())
        assert len(workers()) == 2 and len(answers) > 1 and set(answers) == {b"HTTP/1.1 200"}
        with socket.create_connection(address) as half, socket.create_connection(address) as new:
            half.sendall(sent[:-5])
            assert ask() == answers[0]
            server.terminate()
            time.sleep(1)
            half.sendall(sent[-5:])
            new.sendall(sent)
            assert (half.recv(100)[:12], new.recv(100)[:12]) == (answers[0], answers[0])
    finally:
        server.terminate()
        assert server.wait(60) == 0
