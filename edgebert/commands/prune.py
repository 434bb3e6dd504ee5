"""`edgebert prune`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebert import table
from edgebert.commands import arguments as common
from edgebert.commands import pruning, training
from edgebert_runtime.arguments import whole_number
from edgebert_runtime.errors import InputError

if TYPE_CHECKING:
    from edgebert.compression.vocabulary import VocabularyReport

HELP = "take heads, neurons, layers, single weights or tokens out of a checkpoint"

_WHOLE = "-whole-vocabulary"
"""What is added to the output's name for the pruned model before its vocabulary is."""

_STAGES = ("intermediate", "prediction")
_FIGURES = ("accuracy", "macro_f1", "mean_absolute_error", "correlation")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert prune`."""
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a classifier's folder")
    pruning.add(parser)
    training.add_data(
        parser, "texts to recover on, by distillation from the whole model; default: no recovery"
    )
    parser.add_argument(
        "--rounds", type=whole_number, default=1, metavar="N", help="prune in so many; default: 1"
    )
    parser.add_argument(
        "--stages",
        type=common.names,
        default=_STAGES,
        metavar="NAME,NAME…",
        help="how each round recovers; default: intermediate,prediction",
    )
    training.add_run(parser, _STAGES)
    vocabulary = parser.add_argument_group("vocabulary")
    vocabulary.add_argument(
        "--vocabulary",
        action="append",
        type=Path,
        metavar="CORPUS",
        help="keep the tokens that these texts need (last of all; may be repeated)",
    )
    vocabulary.add_argument(
        "--held-out", type=Path, metavar="FILE", help="texts to count changes on"
    )
    vocabulary.add_argument(
        "--min-count",
        type=whole_number,
        metavar="N",
        help="times that a token must occur in the corpus; default: 1",
    )
    vocabulary.add_argument(
        "--max-tokens", type=whole_number, metavar="N", help="most tokens to keep; default: no"
    )
    vocabulary.add_argument(
        "--drop-unseen-characters",
        action="store_true",
        help="smaller, but words with characters that the corpus lacks become unknown",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prune, with a progress bar of the recovery on standard error."""
    output: Path = arguments.output
    if arguments.vocabulary is None:
        for name in ("held_out", "min_count", "max_tokens", "drop_unseen_characters"):
            if getattr(arguments, name):
                option = name.replace("_", "-")
                raise InputError(f"--{option} needs texts to choose by: add --vocabulary CORPUS")
        show(_structure(arguments, output), output, as_json=arguments.json)
        return 0
    if output.exists() and not (arguments.force or arguments.resume):
        raise InputError(f"output {str(output)!r} exists; add --force, or choose another name")
    record: dict[str, Any] | None = None
    source = arguments.checkpoint
    if pruning.given(arguments):
        source = output.parent / f"{output.name}{_WHOLE}"
        record = _structure(arguments, source)
    elif arguments.train is not None:
        raise InputError(
            "--train recovers from pruning, and nothing but the vocabulary is to be pruned: add "
            "--heads or the like, or leave it out"
        )
    report = _vocabulary(arguments, source)
    if arguments.json:
        common.print_json({"pruning": record, "vocabulary": dataclasses.asdict(report)})
        return 0
    if record is not None:
        show(record, source, as_json=False)
        common.write("")
    common.write(vocabulary_table(report))
    print(f"wrote {output}; next: edgebert convert {output} -o BUNDLE", file=sys.stderr)
    return 0


def _vocabulary(arguments: argparse.Namespace, source: Path) -> VocabularyReport:
    with training.libraries():
        from edgebert.compression.vocabulary import VocabularyOptions, prune_vocabulary
        from edgebert_converters.vocabulary import Selection

    selection = Selection(
        arguments.min_count or 1, arguments.max_tokens, not arguments.drop_unseen_characters
    )
    options = VocabularyOptions(
        tuple(arguments.vocabulary),
        arguments.held_out,
        selection,
        force=arguments.force or arguments.resume,
    )
    return prune_vocabulary(source, arguments.output, options)


def vocabulary_table(report: VocabularyReport) -> str:
    """What went, and what that changes."""
    title = (
        f"{report.tokens_before:,} tokens before, {report.tokens_after:,} after; parameters of "
        f"the table {report.parameters_before:,} before, {report.parameters_after:,} after"
    )
    rows = [
        [
            name,
            f"{found.texts:,}",
            f"{found.pieces_before:,}",
            f"{found.pieces_after:,}",
            f"{100 * found.pieces_changed:.2f} %",
            f"{found.unknown_before:,}",
            f"{found.unknown_after:,}",
        ]
        for name, found in (("corpus", report.corpus), ("held out", report.held_out))
        if found is not None
    ]
    headers = ["", "texts", "pieces", "after", "changed", "unknown", "after"]
    return f"{title}\n{table.render(headers, rows)}"


def _structure(arguments: argparse.Namespace, output: Path) -> dict[str, Any]:
    with training.libraries():
        from edgebert.compression.options import PruneOptions
        from edgebert.compression.prune import prune

    options = PruneOptions(
        **pruning.settings(arguments),
        data=training.data_options(arguments),
        rounds=arguments.rounds,
        stages=arguments.stages,
        schedules=training.schedules(arguments, _STAGES),
        run=training.run_options(arguments),
    )
    return prune(arguments.checkpoint, output, options)


def show(record: dict[str, Any], output: Path, *, as_json: bool) -> None:
    """What stays of each layer and of the whole, what was tried, and what to do next."""
    if as_json:
        common.print_json(record)
        return
    before, rounds = record["before"], [e for e in record["stages"] if e["stage"] == "pruning"]
    after = {**rounds[-1], **_scores(record["stages"][-1])}
    parts = [_layers(before, after), _totals(before, after)]
    parts += [_search(each) for each in rounds if each["search"]]
    common.write("\n\n".join(parts))
    print(f"wrote {output}; next: edgebert convert {output} -o BUNDLE", file=sys.stderr)


def _layers(before: dict[str, Any], after: dict[str, Any]) -> str:
    stays = dict(zip(after["kept_layers"], after["layers"], strict=True))
    rows = []
    for number, layer in enumerate(before["layers"], start=1):
        left = stays.get(number, {})
        cells = [[layer[name], left.get(name, 0)] for name in ("heads", "feed_forward")]
        rows.append([str(number), *(f"{each:,}" for pair in cells for each in pair)])
    return table.render(["layer", "heads", "stay", "neurons", "stay"], rows)


def _totals(before: dict[str, Any], after: dict[str, Any]) -> str:
    counts = {"parameters": "parameters", f"MACs of {before['tokens']} tokens": "macs"}
    rows = [
        [
            title,
            f"{before[name]:,}",
            f"{after[name]:,}",
            f"{100 * after[name] / before[name]:.1f} %",
        ]
        for title, name in counts.items()
    ]
    shares = {"zeros in linear weights": "sparsity", **{f"dev {n}": n for n in _scores(before)}}
    rows += [
        [title, f"{before[name]:.4f}", f"{after[name]:.4f}", ""] for title, name in shares.items()
    ]
    return table.render(["", "before", "after", "stays"], rows)


def _search(stage: dict[str, Any]) -> str:
    rows = []
    for each in stage["search"]:
        figures = each["figures"]
        time, ratio = figures["milliseconds"], figures["latency_ratio"]
        rows.append(
            [
                f"{each['share']:.4f}",
                f"{figures['parameters']:,}",
                f"{figures['macs']:,}",
                "" if time is None else f"{time:.2f}",
                "" if ratio is None else f"{ratio:.3f}",
                "yes" if each["met"] else "no",
            ]
        )
    headers = ["share kept", "parameters", "MACs", "ms", "of the whole", "met"]
    return f"Search of round {stage['round']}\n{table.render(headers, rows)}"


def _scores(stage: dict[str, Any]) -> dict[str, float]:
    return {name: stage[name] for name in _FIGURES if name in stage}
