"""A profile as the page sees it: what results are called, their colours and their marks."""

from __future__ import annotations

from edgebert.profiler import derived
from edgebert.profiler.derived import Names
from edgebert.profiler.page.charts import Look
from edgebert.profiler.page.markup import Cell, Markup, element, joined, named, number
from edgebert.profiler.profile import Profile, Result


class View:
    """Worked out once for all sections."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.names = Names.of(profile)
        kinds = dict.fromkeys((each.model, each.artifact) for each in profile.results)
        self._colours = {kind: place for place, kind in enumerate(kinds)}
        self._threads = sorted({each.measurement.threads for each in profile.results})
        self._marked = tuple(derived.marked(profile.results))
        # By identity: a profile may hold one artifact twice.
        self._numbers = {id(each): number for number, each in enumerate(self._marked, 1)}

    def look(self, result: Result) -> Look:
        """The colour of its artifact, the same on every device, and the dash of its threads."""
        colour = self._colours[result.model, result.artifact]
        return Look(colour, self._threads.index(result.measurement.threads))

    def legend(self) -> dict[str, Look]:
        """What `look` gives, by name."""
        return {self.names.on_device(each): self.look(each) for each in self.profile.results}

    def is_marked(self, result: Result) -> bool:
        """Whether something makes its figures doubtful."""
        return id(result) in self._numbers

    def mark(self, result: Result) -> Markup:
        """A sign beside a figure that leads to what makes it doubtful; nothing if nothing does."""
        number = self._numbers.get(id(result))
        if number is None:
            return Markup()
        said = "; ".join(result.measurement.conditions.marks)
        link = element("a", f"!{number}", href=f"#note-{number}", title=said, class_="mark")
        return element("sup", link)

    def notes(self) -> Markup:
        """What the signs lead to, and what is not as one would expect."""
        items = [
            element(
                "li",
                element("span", f"!{number}", class_="mark"),
                " ",
                named(self.names.full(each)),
                f": {'; '.join(each.measurement.conditions.marks)}",
                id=f"note-{number}",
            )
            for number, each in enumerate(self._marked, 1)
        ]
        surprises = [
            element("li", named(self.names.full(each.result)), f": {each.said}")
            for each in derived.surprises(self.profile.results)
        ]
        lists = {
            "What disturbed the measurements": items,
            "What is slower than float32": surprises,
        }
        return joined(
            part
            for title, held in lists.items()
            if held
            for part in (element("h3", title), element("ul", *held, class_="notes"))
        )

    def identity(self) -> list[str]:
        """Headers of the columns that say which result a row is of."""
        model = ["model"] if self.names.several_models else []
        device = ["device"] if self.names.several_devices else []
        return [*model, "artifact", *device, "threads"]

    def identified(self, result: Result) -> list[Cell]:
        """Their cells."""
        model = [Cell(named(result.model))] if self.names.several_models else []
        device = [Cell(named(result.device))] if self.names.several_devices else []
        threads = result.measurement.threads
        return [*model, Cell(named(result.artifact)), *device, number(str(threads), threads)]
