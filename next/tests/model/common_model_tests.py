"""Run the library's own common model tests on our model: `python tests/model/common_model_tests.py SDIST_DIR [ARGS]`.

The tests are in the library's source distribution, not in the wheel:

    pip download --no-deps --no-binary transformers transformers==5.23.0 && tar xf transformers-5.23.0.tar.gz

They are copied to a temporary directory, beside stubs of the modules that the distribution leaves out. ARGS go to
pytest. `library_model_tester.py` holds the tests' subclasses.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
COPIED = ("test_modeling_common.py", "test_configuration_common.py")
STUBS = {
    "__init__.py": "",
    "exporters/__init__.py": "",
    "exporters/test_export.py": "class ExportTesterMixin:\n    pass\n",
    "generation/__init__.py": "",
    "generation/test_utils.py": "class GenerationTesterMixin:\n    pass\n",
    "utils/__init__.py": "",
    "utils/test_configuration_utils.py": "config_common_kwargs = {}\n",
}


def main(sdist: str, *arguments: str) -> int:
    with tempfile.TemporaryDirectory() as directory:
        for name, text in STUBS.items():
            file = Path(directory) / "library_tests" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        for name in COPIED:
            shutil.copy(Path(sdist).resolve() / "tests" / name, Path(directory) / "library_tests" / name)
        paths = [directory, str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
        options = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", directory, "-W", "ignore"]
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                *options,
                str(Path(__file__).with_name("library_model_tester.py")),
                *arguments,
            ],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "HF_HUB_OFFLINE": "1"},
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
