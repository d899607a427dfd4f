"""Class folders as nobody means them: odd names, links to nowhere and in circles, other files, deep nesting."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.fuzzing.mutations import mutated_bytes

# Bytes, since a name need not be UTF-8 where the system does not ask for it.
NAMES = [
    *(
        b" ",
        b"...",
        b"-",
        b"--help",
        b"a\nb",
        b"a\tb",
        b"\x1b[2J",
        b"\xff\xfe",
        b"\xe2\x80\xae",
        "é".encode(),
        "é".encode(),
    ),
    *("😀".encode() * 50, b"x" * 250, b"<script>", b"a|b`c", b"=1+1", b"'\"", b"*", b"[a]", b"CON", b"train", b"test"),
    *(b"LABEL_0", b"0", b"null", b"nan", b".hidden"),
]


def damaged_folder(folder: Path, rng: Random) -> None:
    """Do one to three odd things to the class folders in `news`."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        rng.choice(ODDITIES)(folder / "news", rng)


def _articles(news: Path) -> list[Path]:
    return sorted(path for path in news.rglob("*.txt") if path.is_file() and not path.is_symlink())


def _bad_text(news: Path, rng: Random) -> None:
    if articles := _articles(news):
        article = rng.choice(articles)
        article.write_bytes(mutated_bytes(article.read_bytes(), rng))


def _odd_label(news: Path, rng: Random) -> None:
    place = Path(os.fsdecode(os.fsencode(news) + b"/" + rng.choice(NAMES)))
    place.mkdir(exist_ok=True)
    for number in range(rng.choice([1, 9])):
        (place / f"{number}.txt").write_text(f"goal {number} {rng.random()}")


def _odd_article(news: Path, rng: Random) -> None:
    name = rng.choice(NAMES)[:240]
    Path(os.fsdecode(os.fsencode(news) + b"/sport/" + name + b".txt")).write_text(f"match {rng.random()}")


def _link(news: Path, rng: Random) -> None:
    targets = ["nowhere", ".", "..", "../..", "/", "loop", "/dev/zero", "/dev/null", "../sport", "/proc/self/mem"]
    place = news / rng.choice(["loop", "sport/loop", "sport/loop.txt", "loop.txt", "tech"])
    if not place.is_symlink():
        place.symlink_to(rng.choice(targets))


def _nested(news: Path, rng: Random) -> None:
    place = news
    for number in range(rng.choice([3, 200])):
        place = place / rng.choice(["a", f"{number}"])
        place.mkdir(exist_ok=True)
        if len(os.fspath(place)) > 3000:
            break
    (place / "deep.txt").write_text("goal")


def _special_file(news: Path, rng: Random) -> None:
    place = news / "sport" / f"special{rng.randrange(3)}.txt"
    if place.exists():
        return
    if rng.random() < 0.5:
        os.mkfifo(place)
    else:
        here = Path.cwd()
        os.chdir(place.parent)
        try:
            with socket.socket(socket.AF_UNIX) as held:
                held.bind(place.name)
        finally:
            os.chdir(here)


def _folder_for_file(news: Path, rng: Random) -> None:
    (news / "sport" / f"folder{rng.randrange(3)}.txt").mkdir(exist_ok=True)


def _sides(news: Path, rng: Random) -> None:
    side = news / rng.choice(["train", "test", "validation", "TEST", "dev"])
    for label in ("sport", "business")[: rng.choice([1, 2])]:
        (side / label).mkdir(parents=True, exist_ok=True)
        (side / label / "1.txt").write_text(f"goal {label} {rng.random()}")


def _strangers(news: Path, rng: Random) -> None:
    (news / "sport" / rng.choice(["a.TXT", "b.csv", "c", ".d.txt", "e.txt~", "f.html"])).write_text("goal")


def _emptied(news: Path, rng: Random) -> None:
    for article in _articles(news):
        if rng.random() < 0.7:
            article.unlink() if rng.random() < 0.5 else article.write_bytes(b"")


def _unreadable(news: Path, rng: Random) -> None:
    # Root reads it all the same; whoever else runs this is refused.
    for place in (rng.choice(_articles(news) or [news]), news / "sport")[: rng.choice([1, 2])]:
        if place.exists():
            place.chmod(0)


ODDITIES: list[Callable[[Path, Random], None]] = [
    *(_bad_text, _bad_text, _odd_label, _odd_article, _link, _link, _nested, _special_file, _folder_for_file),
    *(_sides, _strangers, _emptied, _unreadable),
]
