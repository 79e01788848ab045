"""A YAML file that a person writes, with the line of everything in it, so that a complaint can point at it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from enginedge.errors import Misconfigured, Where

if TYPE_CHECKING:
    import yaml

Path_ = tuple[str | int, ...]


class Document:
    """One YAML file: its values, and the line that each of them stands on."""

    def __init__(self, path: Path) -> None:
        import yaml

        self.path = path
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise Misconfigured(
                f"there is no contract of {path.stem}", where=str(path), remedy="write it, or mend the table's name"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured(
                f"it can't be read: {error}", where=str(path), remedy="make it a text file in UTF-8"
            ) from None
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        try:
            self._node: yaml.Node | None = loader.get_single_node()
            self.values: Any = loader.construct_document(self._node) if self._node else None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            raise Misconfigured(
                f"it is no YAML: {getattr(error, 'problem', error)}",
                where=Where(str(path), mark.line + 1 if mark else None),
                remedy="mend the file",
            ) from None
        except RecursionError:
            raise Misconfigured("it is nested too deeply", where=str(path), remedy="mend the file") from None
        finally:
            loader.dispose()
        self._refuse_doubled(self._node)

    def _refuse_doubled(self, node: yaml.Node | None) -> None:
        """YAML's loader takes the last of two keys in silence: a second ``classification`` would undo the first."""
        import yaml

        if isinstance(node, yaml.MappingNode):
            seen: set[Any] = set()
            for key, value in node.value:
                if key.value in seen:
                    raise Misconfigured(
                        f"{key.value!r} is said twice",
                        where=Where(str(self.path), key.start_mark.line + 1),
                        remedy="keep one of them",
                    )
                seen.add(key.value)
                self._refuse_doubled(value)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self._refuse_doubled(item)

    def line(self, at: Path_) -> int:
        """The line of the value at ``at``, or of the nearest one above it that exists."""
        import yaml

        node = self._node
        line = 1
        for step in at:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == step]
                if not found:
                    return line
                line, node = found[0][0].start_mark.line + 1, found[0][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
        return line

    def wrong(self, what: str, at: Path_, remedy: str) -> Misconfigured:
        """The failure that points at ``at``."""
        return Misconfigured(what, where=Where(str(self.path), self.line(at)), remedy=remedy)
