"""A classifier behind HTTP, in the format of text-embeddings-inference (TEI); waiting texts form a batch."""

import asyncio
import dataclasses
import importlib.metadata
import json
import logging
import os
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psutil
from tqdm.auto import tqdm

from bbc_classifier.config import ServeArguments, import_pooling_module
from bbc_classifier.errors import EnvironmentFailure, UserError
from bbc_classifier.inference.classifier import Predictor, model_location, sigmoid, softmax, tokenize

try:
    import prometheus_client as prometheus
    import uvicorn
    from fastapi import FastAPI, Request, Response
    from fastapi.responses import JSONResponse
    from prometheus_client import multiprocess
    from pydantic import BaseModel, ConfigDict, Field, ValidationError
    from starlette.requests import ClientDisconnect
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    from uvicorn.supervisors import Multiprocess
except ImportError as error:
    raise UserError(f"{error}; serve needs: pip install fastapi httptools 'uvicorn>=0.54' prometheus-client") from error

logger = logging.getLogger(__name__)
OPTIONS, METRICS = "BBC_CLASSIFIER_SERVE", "PROMETHEUS_MULTIPROC_DIR"  # environment variables of workers
DRAIN_SECONDS, SHUTDOWN_SECONDS, START_SECONDS = 1.0, 60, 60
INPUTS = '`inputs` must be a text, or a batch with each text in a list of its own: [["first"], ["second"]]'
Text = Annotated[list[str], Field(min_length=1, max_length=1, fail_fast=True)]


class PredictRequest(BaseModel):
    """The body of a request; other fields are ignored, as by TEI."""

    model_config = ConfigDict(strict=True)
    inputs: str | Text | Annotated[list[Text], Field(min_length=1, fail_fast=True)]
    truncate: bool | None = None
    raw_scores: bool = False


class RequestError(Exception):
    """An answer that is an error: status, message, and its type in TEI."""

    def __init__(self, status: int, message: str, error_type: str = "Validation"):
        self.status, self.content = status, {"error": message, "error_type": error_type}


class Batcher:
    """Classifies the texts of all requests that wait, in one thread, and counts what `/metrics` shows."""

    def __init__(self, predictor: Predictor, args: ServeArguments):
        self.predictor, self.args, self.healthy = predictor, args, True
        self._waiting: deque[tuple[str, asyncio.Future]] = deque()
        self._arrived, self._thread = asyncio.Event(), ThreadPoolExecutor(1)
        self.registry = prometheus.CollectorRegistry()
        on: dict[str, Any] = {"namespace": "bbc_classifier", "registry": self.registry}
        self.requests = prometheus.Counter("requests", "Requests by status.", ["status"], **on)
        self.texts = prometheus.Counter("texts", "Texts classified.", **on)
        self.seconds = prometheus.Histogram("request_seconds", "Seconds until the answer.", **on)
        self.sizes = prometheus.Histogram("batch_texts", "Texts of a batch.", buckets=[2**n for n in range(9)], **on)
        self.waiting = prometheus.Gauge("waiting_texts", "Texts that wait.", multiprocess_mode="livesum", **on)
        if METRICS in os.environ:
            self.registry = prometheus.CollectorRegistry()
            multiprocess.MultiProcessCollector(self.registry)
            for pid in (int(path.stem.rpartition("_")[2]) for path in Path(os.environ[METRICS]).glob("gauge_live*.db")):
                if not psutil.pid_exists(pid):  # a worker that was killed
                    multiprocess.mark_process_dead(pid)

    async def classify(self, texts: list[str]) -> list[tuple[np.ndarray, np.ndarray, bool]]:
        """Return logits, probabilities and whether it was cut of each text; or raise RequestError."""
        if len(self._waiting) + len(texts) > self.args.max_waiting:
            raise RequestError(429, "Model is overloaded", "Overloaded")
        futures = [asyncio.get_running_loop().create_future() for _ in texts]
        self._waiting.extend(zip(texts, futures, strict=True))
        self.waiting.set(len(self._waiting))
        self._arrived.set()
        return await asyncio.gather(*futures)

    async def run(self) -> None:
        """Classify what waits until it is cancelled. A failure of the model fails the texts of one batch."""
        while await self._arrived.wait():
            size = min(len(self._waiting), self.args.max_batch_texts)
            texts, futures = zip(*(self._waiting.popleft() for _ in range(size)), strict=True)
            if not self._waiting:
                self._arrived.clear()
            self.waiting.set(len(self._waiting))
            self.sizes.observe(size)
            try:
                results = await asyncio.get_running_loop().run_in_executor(self._thread, self._predict, texts)
                self.texts.inc(size)
            except Exception as error:  # Its message is not logged: it could quote a text.
                frames = "".join(traceback.format_tb(error.__traceback__))
                logger.error("The model failed on %d texts: %s\n%s", size, type(error).__name__, frames)
                results = []
            self.healthy = bool(results)
            for row, future in enumerate(futures):
                if not future.done() and results:
                    future.set_result(results[row])
                elif not future.done():
                    future.set_exception(RequestError(500, "Inference failed; see the log of the server", "Backend"))

    def _predict(self, texts: list[str]) -> list[tuple[np.ndarray, np.ndarray, bool]]:
        input_ids, truncated = tokenize(self.predictor.tokenizer, texts, self.predictor.config)
        logits = self.predictor.logits(input_ids)
        return list(zip(logits, (sigmoid if self.predictor.multi_label else softmax)(logits), truncated, strict=True))


async def read_request(request: Request, max_bytes: int) -> PredictRequest:
    """Return the content of a request. RequestError: it is too large or not valid."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestError(415, "send JSON with the header Content-Type: application/json")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise RequestError(413, f"the body is larger than {max_bytes} bytes")
        return PredictRequest.model_validate_json(bytes(body))
    except ClientDisconnect as error:
        raise RequestError(499, "the client disconnected") from error
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = str(problem["loc"][0]) if problem["loc"] else "body"
        raise RequestError(422, INPUTS if field == "inputs" else f"{field}: {problem['msg']}") from error


def create_app(args: ServeArguments) -> FastAPI:
    """Return the application with the classifier loaded and tried. UserError: it does not exist or cannot predict."""
    if args.pooling_module:
        import_pooling_module(args.pooling_module)
    predictor = Predictor.from_pretrained(args.model, args.revision, args.device, args.precision)
    predictor.probabilities(["The first batch is slow."])
    version, max_bytes = importlib.metadata.version("bbc-classifier"), args.max_body_size
    names, batcher, max_texts = predictor.label_names, Batcher(predictor, args), args.max_client_batch_size

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(batcher.run())
        yield
        task.cancel()

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    async def answer(request: Request) -> list[Any]:
        asked = await read_request(request, max_bytes)
        inputs = [asked.inputs] if isinstance(asked.inputs, str) else asked.inputs
        texts = [item if isinstance(item, str) else item[0] for item in inputs]
        if len(texts) > max_texts:
            raise RequestError(413, f"batch size {len(texts)} > maximum allowed batch size {max_texts}")
        if not all(text.strip() for text in texts):
            raise RequestError(400, "`inputs` cannot be empty", "Empty")
        answers = []
        for logits, probabilities, truncated in await batcher.classify(texts):
            if truncated and asked.truncate is False:
                raise RequestError(422, f"`inputs` must have at most {predictor.config.max_input_tokens} tokens")
            scores = logits if asked.raw_scores else probabilities
            order = np.argsort(-logits, kind="stable")
            answers.append([{"score": float(scores[label]), "label": names[label]} for label in order])
        return answers[0] if isinstance(inputs[0], str) else answers

    async def predict(request: Request) -> Response:
        started = time.perf_counter()
        try:
            response = JSONResponse(await answer(request))
        except RequestError as error:
            response = JSONResponse(error.content, error.status)
        batcher.requests.labels(response.status_code).inc()
        batcher.seconds.observe(time.perf_counter() - started)
        return response

    app.add_route("/predict", predict, methods=["POST"])  # without what FastAPI prepares for each request

    @app.get("/health")
    async def health() -> Response:
        with suppress(RequestError):
            if batcher.healthy or await batcher.classify(["A test of the model."]):
                return Response()
        return JSONResponse(RequestError(503, "unhealthy", "Unhealthy").content, 503)

    @app.get("/info")
    async def info() -> dict[str, Any]:
        name = Path(args.model).resolve().name if Path(args.model).exists() else args.model
        classifier = {"id2label": dict(enumerate(names)), "label2id": {label: i for i, label in enumerate(names)}}
        limits = {"max_input_length": predictor.config.max_input_tokens, "max_client_batch_size": max_texts}
        model = {"model_id": name, "model_sha": args.revision, "model_type": {"classifier": classifier}}
        return {**model, **limits, "auto_truncate": True, "version": version}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(prometheus.generate_latest(batcher.registry), media_type=prometheus.CONTENT_TYPE_LATEST)

    return app


def create_worker_app() -> FastAPI:
    """Return the application of one of several processes, whose supervisor gives up if one cannot start."""
    args = ServeArguments(**json.loads(os.environ[OPTIONS]))
    tqdm.set_lock(threading.RLock())  # Its own is a semaphore, which leaks if a signal ends the process.
    try:
        return create_app(args)
    except Exception as error:
        print(f"bbc-classifier: error: {error}", file=sys.stderr, flush=True)
        os._exit(STARTUP_FAILURE)  # During a normal exit the supervisor would wait until its health check times out.


class DrainingProtocol(HttpToolsProtocol):
    """When the server stops, connections that wait for a request stay open for a moment: one may be on its way."""

    draining = False

    def shutdown(self) -> None:
        """Make the next answer the last of this connection; close it if no request arrives."""
        if self.draining and not self.transport.is_closing():
            super().shutdown()
        elif not self.draining:
            self.draining = True
            self._close_after_answer()
            self.loop.call_later(DRAIN_SECONDS, self.shutdown)

    def data_received(self, data: bytes) -> None:
        """Read as usual."""
        super().data_received(data)
        if self.draining:
            self._close_after_answer()

    def _close_after_answer(self) -> None:
        if self.cycle:
            self.cycle.default_headers = [*self.cycle.default_headers, (b"connection", b"close")]


def serve(args: ServeArguments) -> None:
    """Answer requests until SIGTERM or Ctrl-C, then those already accepted.

    UserError: the classifier does not exist, or the port is in use. EnvironmentFailure: a worker did not start.
    """
    model_location(args.model)
    family, host = (socket.AF_INET6, f"[{args.host}]") if ":" in args.host else (socket.AF_INET, args.host)
    try:
        listener = socket.create_server((args.host, args.port), family=family)
        # Connections inherit it; asyncio sets it on those of its own sockets only. Without it answers wait for 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        problem = f"port {args.port} of {args.host} cannot be used ({error.strerror})"
        raise UserError(f"--host, --port: {problem}; choose another --port") from error
    options: dict[str, Any] = {"http": DrainingProtocol, "ws": "none", "access_log": False, "server_header": False}
    options |= {"log_config": None, "log_level": "error", "timeout_graceful_shutdown": SHUTDOWN_SECONDS}
    options |= {"timeout_worker_healthcheck": START_SECONDS}
    app = create_app(args) if args.workers == 1 else "bbc_classifier.serve:create_worker_app"
    url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{args.port}"
    print(f"Listening on {url} (Ctrl-C ends it)")
    example = json.dumps({"inputs": "Shares fell in early trading."})
    print(f"Try: curl {url}/predict -H 'Content-Type: application/json' -d '{example}'", flush=True)
    if args.host not in ("127.0.0.1", "localhost", "::1"):
        print("Everybody who can reach this machine can use the classifier: it has no password.", flush=True)
    if args.workers == 1:
        with suppress(KeyboardInterrupt):  # uvicorn raises the signal again when it has shut down
            uvicorn.Server(uvicorn.Config(app, **options)).run([listener])
        return
    print(f"To restart the workers one after another: kill -HUP {os.getpid()}", flush=True)
    with tempfile.TemporaryDirectory() as metrics_dir:
        os.environ |= {OPTIONS: json.dumps(dataclasses.asdict(args)), METRICS: metrics_dir}
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // args.workers)))
        supervisor = Multiprocess(uvicorn.Config(app, factory=True, workers=args.workers, **options), [listener])
        supervisor.run()
    if STARTUP_FAILURE in [process.exitcode for process in supervisor.processes]:
        raise EnvironmentFailure("a worker did not start; the reason is above")
