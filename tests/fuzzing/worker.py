"""A process that runs a case a line, as `[reader, number, seed]`, and answers with what came of it."""

import faulthandler
import json
import logging
import os
import resource
import sys
import tempfile
from pathlib import Path

# More than any case may take; what wants more than that fails here, and not all of the machine with it.
ROOM = 2 << 30


def main() -> None:
    """Answer every line of the standard input."""
    specimens, parent = map(Path, sys.argv[1:])
    answers = os.fdopen(os.dup(1), "w")
    # What libraries of other languages write, too.
    log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 (open as long as the process)
    os.dup2(2, 9)
    os.dup2(log.fileno(), 2)
    os.dup2(log.fileno(), 1)
    faulthandler.enable(9)

    import torch

    torch.set_num_threads(1)
    from bbc_classifier.cli import main as command
    from tests.fuzzing.cases import run_case

    command(["predict", "--model", str(specimens / "classifier"), "warm"])
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))

    def said() -> str:
        sys.stderr.flush()
        log.seek(0)
        text = log.read()
        log.seek(0)
        log.truncate()
        return text

    for line in sys.stdin:
        name, number, seed = json.loads(line)
        logging.getLogger().handlers.clear()
        outcome = run_case(name, number, seed, specimens, parent / f"case-{os.getpid()}-{number}", said)
        print(json.dumps(outcome.as_dict()), file=answers, flush=True)


if __name__ == "__main__":
    main()
