"""What the package does nowhere, checked over the syntax tree."""

import ast
import re

import pytest

from tests.test_architecture import MODULES, PACKAGE, SCRIPTS, name_of, tree_of

BUILTINS = {"eval", "exec", "compile", "__import__"}
CALLS = {"os.system", "os.popen", "torch.hub.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all"}
MODULES_OF_PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
# A call that reads a file with a pickle in it, and the argument that keeps it from running anything.
SAFE_ONLY_WITH = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}


def name_of_call(node: ast.Call) -> str:
    return ast.unparse(node.func)


def keywords(node: ast.Call) -> dict[str | None, object]:
    return {each.arg: getattr(each.value, "value", ast.unparse(each.value)) for each in node.keywords}


def breaches(tree: ast.Module) -> list[str]:
    """Return everything in a module that is banned."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            roots = {alias.name.partition(".")[0] for alias in node.names} if isinstance(node, ast.Import) else set()
            roots |= {(node.module or "").partition(".")[0]} if isinstance(node, ast.ImportFrom) else set()
            # The name of an error is no way to read a pickle.
            only_error = {alias.name for alias in node.names} <= {"UnpicklingError", "PicklingError"}
            found += [ast.unparse(node)] if roots & MODULES_OF_PICKLES and not only_error else []
        elif isinstance(node, ast.Call):
            name, given = name_of_call(node), keywords(node)
            if name in BUILTINS | CALLS or given.get("trust_remote_code", False) or given.get("shell", False):
                found.append(ast.unparse(node))
            if name in SAFE_ONLY_WITH and given.get(SAFE_ONLY_WITH[name][0]) is not SAFE_ONLY_WITH[name][1]:
                found.append(ast.unparse(node))
            if name in ("Environment", "jinja2.Environment") and not _escapes(given):
                found.append(ast.unparse(node))
    return found


def _escapes(given: dict[str | None, object]) -> bool:
    """Whether a Jinja environment escapes HTML; those that write Markdown escape by a filter, tested elsewhere."""
    return given.get("autoescape") is True or "autoescape" not in given


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=lambda path: path.name)
def test_nothing_is_evaluated_unpickled_or_run_by_a_shell(path):
    assert breaches(tree_of(path)) == []


BANNED = [
    "eval('1')",
    "exec(text)",
    "import pickle",
    "from joblib import load",
    "torch.load(file)",
    "torch.load(file, weights_only=False)",
    "np.load(file, allow_pickle=True)",
    "yaml.load(text, yaml.Loader)",
    "os.system('ls')",
    "subprocess.run('ls', shell=True)",
    "AutoModel.from_pretrained(name, trust_remote_code=True)",
    "AutoModel.from_pretrained(name, trust_remote_code=options.trust)",
    "Environment(autoescape=False)",
]


@pytest.mark.parametrize("line", BANNED)
def test_the_check_finds_what_is_banned(line):
    assert breaches(ast.parse(line))


@pytest.mark.parametrize("line", ["model.eval()", "re.compile('a')", "torch.load(file, weights_only=True)"])
def test_the_check_lets_the_rest_be(line):
    assert breaches(ast.parse(line)) == []


def test_only_our_own_parts_of_the_page_are_put_in_unescaped():
    page = (PACKAGE / "comparison" / "templates" / "report.html.j2").read_text(encoding="utf-8")
    raw = set(re.findall(r"\{\{ ([\w.]+) \| safe \}\}", page.replace("'unsafe-inline'", "")))
    drawn = {"pictures.accuracy", "pictures.learning_curves", "row.confusion", "row.training", "row.reliability"}
    assert len(re.findall(r"\bsafe\b", page)) == page.count("| safe }}")
    assert raw == {"style", "script", "formulas", *drawn}


def test_a_page_is_made_in_one_place():
    pages = [name_of(path) for path in MODULES if "autoescape" in path.read_text(encoding="utf-8")]
    assert pages == ["comparison/page.py"]
