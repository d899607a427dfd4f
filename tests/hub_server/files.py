"""A file as git and as large file storage name it, and which of the two a file goes to."""

import hashlib
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from pathlib import PurePosixPath

# Of the patterns in the .gitattributes of a new repository on the Hub, those that could matter here.
LARGE_FILES = ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.onnx", "*.parquet", "*.arrow", "*.npz", "*.zip", "*.gz")
LARGE_SIZE = 10 * 1024 * 1024
GIT_ATTRIBUTES = "".join(f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in LARGE_FILES)


def is_large(path: str, size: int) -> bool:
    """Return whether the Hub keeps a file in large file storage (LFS)."""
    return size > LARGE_SIZE or any(fnmatch(PurePosixPath(path).name, pattern) for pattern in LARGE_FILES)


def is_ignored(path: str, gitignore: str) -> bool:
    """Return whether a .gitignore names a file, its path, or a folder it lies in; nothing finer is understood."""
    names = [path, *map(str, PurePosixPath(path).parents), *PurePosixPath(path).parts]
    patterns = [line.strip("/") for line in gitignore.split() if not line.startswith("#")]
    return any(fnmatch(name, pattern) for name in names for pattern in patterns)


def blob_oid(content: bytes) -> str:
    """Return the hash that git gives to a blob."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class File:
    content: bytes = field(repr=False)
    lfs: bool = False

    @classmethod
    def at(cls, path: str, content: bytes | str) -> "File":
        """Return what becomes of some content at a path."""
        data = content.encode() if isinstance(content, str) else content
        return cls(data, is_large(path, len(data)))

    @cached_property
    def sha256(self) -> str:
        return sha256(self.content)

    @property
    def pointer(self) -> bytes:
        """What git holds in place of a large file."""
        lines = ("version https://git-lfs.github.com/spec/v1", f"oid sha256:{self.sha256}", f"size {self.size}", "")
        return "\n".join(lines).encode()

    @property
    def size(self) -> int:
        return len(self.content)

    @cached_property
    def oid(self) -> str:
        return blob_oid(self.pointer if self.lfs else self.content)

    @property
    def etag(self) -> str:
        """The hash of the content, by which the client compares and caches."""
        return self.sha256 if self.lfs else self.oid

    def entry(self, path: str) -> dict[str, object]:
        """Return the file as an entry of a tree."""
        entry: dict[str, object] = {"type": "file", "path": path, "oid": self.oid, "size": self.size}
        if self.lfs:
            entry["lfs"] = {"oid": self.sha256, "size": self.size, "pointerSize": len(self.pointer)}
        return entry


def folder_entry(path: str) -> dict[str, object]:
    return {"type": "directory", "path": path, "oid": blob_oid(path.encode()), "size": 0}


def entries(files: dict[str, File]) -> dict[str, dict[str, object]]:
    """Return files, and the folders they imply, by path."""
    folders = sorted({str(parent) for path in files for parent in PurePosixPath(path).parents} - {"."})
    return {
        **{path: folder_entry(path) for path in folders},
        **{path: file.entry(path) for path, file in files.items()},
    }
