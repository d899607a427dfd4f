"""Run the library's own common model tests on our model: `python tests/model/common_model_tests.py SDIST_FOLDER`.

The tests are in the library's source distribution, which is not the installed wheel:

    pip download --no-deps --no-binary transformers transformers==5.23.0 && tar xf transformers-5.23.0.tar.gz

They are copied to a temporary folder, beside stand-ins for the few modules that the distribution leaves out, and run
from there. Further arguments go to pytest; the exit code is pytest's.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
MODEL_TESTER = Path(__file__).with_name("library_model_tester.py")
COPIED = ("test_modeling_common.py", "test_configuration_common.py")
# What the copied files import and the distribution leaves out; a classifier needs neither exporters nor generation.
STAND_INS = {
    "__init__.py": "",
    "exporters/__init__.py": "",
    "exporters/test_export.py": "class ExportTesterMixin:\n    pass\n",
    "generation/__init__.py": "",
    "generation/test_utils.py": "class GenerationTesterMixin:\n    pass\n",
    "utils/__init__.py": "",
    "utils/test_configuration_utils.py": "config_common_kwargs = {}\n",
}


def lay_out_library_tests(sdist: Path, package: Path) -> None:
    """Write the library's test files and the stand-ins as a package."""
    for name, text in STAND_INS.items():
        file = package / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for name in COPIED:
        shutil.copy(sdist / "tests" / name, package / name)


def main(arguments: list[str]) -> int:
    if not arguments or not (Path(arguments[0]) / "tests" / COPIED[0]).is_file():
        print(f"usage: {Path(__file__).name} SDIST_FOLDER [PYTEST_ARGUMENTS]; it holds tests/{COPIED[0]}")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        lay_out_library_tests(Path(arguments[0]), Path(folder) / "library_tests")
        paths = [folder, str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-c",
            os.devnull,
            "--rootdir",
            folder,
        ]
        return subprocess.run(
            [*command, "-W", "ignore", str(MODEL_TESTER), *arguments[1:]],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "HF_HUB_OFFLINE": "1"},
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
