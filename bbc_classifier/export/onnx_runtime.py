"""Running an exported graph: the one place that opens onnxruntime, which is an extra."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from bbc_classifier.errors import InputError

# From this severity on the runtime speaks: errors.
SEVERITY = 3


def load_extra(name: str) -> Any:
    """Return a library of the extra "onnx".

    Raises:
        InputError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(f"this needs {error.name}: pip install 'bbc-classifier[onnx]'") from error


class OnnxGraph:
    """A graph in memory, ready to run on the processor."""

    def __init__(self, path: Path, threads: int = 0):
        """Load the graph.

        Args:
            path: The file.
            threads: How many to run on; 0 leaves it to the runtime.

        Raises:
            InputError: The runtime is not installed, or the file is no graph that it can run.
        """
        onnxruntime = load_extra("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, SEVERITY
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"'{path}' is no ONNX graph that onnxruntime can run: {reason}") from error

    def logits(self, input_ids: np.ndarray, attention_mask: np.ndarray) -> np.ndarray:
        """Return the logits, (batch, labels) float32, of ids and mask, each (batch, tokens) int64."""
        return self._session.run(["logits"], {"input_ids": input_ids, "attention_mask": attention_mask})[0]
