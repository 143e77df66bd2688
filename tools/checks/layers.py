#!/usr/bin/env python3
"""Checks every #include of the tree against tools/layers.txt.

usage: layers.py ROOT
"""

import collections
import pathlib
import re
import sys

from files import files, read

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
TOP_ROOMS = ("examples", "tools", "tests", "benchmarks")


class Layers:
    """What tools/layers.txt allows."""

    def __init__(self, text):
        self.edges = {}  # room -> rooms
        self.everyone = set()
        self.clients = {}  # prefix -> {room: which of its public headers too: "", public, testing}
        self.errors = []
        for number, line in enumerate(text.splitlines(), 1):
            line = line.split("#")[0].strip()
            if line:
                self.add(number, line)
        for room, allowed in self.edges.items():
            for name in sorted((allowed | self.everyone) - self.edges.keys()):
                self.errors.append(f"tools/layers.txt: {room} names {name}, which is no room")

    def add(self, number, line):
        name, colon, rest = line.partition(":")
        if not colon:
            self.errors.append(f"tools/layers.txt:{number}: want NAME: ROOMS")
        elif name.startswith("client "):
            rooms = (word.partition("+") for word in rest.split())
            leaves = {room: leave for room, _, leave in rooms}
            self.clients[name.removeprefix("client ").strip()] = leaves
        elif name == "*":
            self.everyone |= set(rest.split())
        elif name in self.edges:
            self.errors.append(f"tools/layers.txt:{number}: {name} has a line already")
        else:
            self.edges[name] = set(rest.split())

    def allows(self, room, other):
        return room == other or other in self.edges[room] or other in self.everyone


def cycle_in(edges):
    """A path that comes back to where it began, or None. `edges`: node -> nodes."""
    state, path = {}, []

    def visit(node):
        state[node] = "open"
        path.append(node)
        for other in sorted(edges.get(node, ())):
            if state.get(other) == "open":
                return path[path.index(other) :] + [other]
            if other not in state and (found := visit(other)):
                return found
        path.pop()
        state[node] = "done"
        return None

    for node in sorted(edges):
        if node not in state and (found := visit(node)):
            return found
    return None


def room_of(path):
    """The room of a file of the tree; None for a file that is in none."""
    parts = pathlib.PurePath(path).parts
    if parts[:2] == ("include", "skald"):
        return parts[2] if len(parts) > 3 else pathlib.PurePath(path).stem
    if parts[0] == "lib" and len(parts) > 2:
        return parts[1]
    return parts[0] if parts[0] in TOP_ROOMS else None


def resolve(path, name, quoted, known):
    """The file of the tree that `#include name` in `path` means; None when it is another's."""
    places = [pathlib.PurePath(path).parent] if quoted else []
    places += [pathlib.PurePath(place) for place in ("include", "lib", ".", "tests/support", "tests")]
    for place in places:
        parts = []
        for part in (place / name).parts:
            if part == ".." and parts:
                parts.pop()
            else:
                parts.append(part)
        if "/".join(parts) in known:
            return "/".join(parts)
    return None


def check_own(layers, room, path, name, target):
    other = room_of(target)
    if other not in layers.edges:
        return f"includes {name} of the room {other}, which tools/layers.txt does not name"
    if not layers.allows(room, other):
        return f"{room} may not include {other}: {name} (tools/layers.txt)"
    private = target.startswith("lib/")
    if private and path.startswith("include/"):
        return f"a public header may not include the private header {target}"
    if private and other != room and room != "tests":
        return f"{target} is private to {other}"
    return None


def check_client(layers, room, path, name):
    for prefix, rooms in layers.clients.items():
        if not name.startswith(prefix):
            continue
        if room not in rooms:
            return f"{room} may not include {name}: a client's headers belong to its adapter"
        allowed = {"public": "include/", "testing": f"include/skald/{room}/testing/"}
        if path.startswith("include/") and not path.startswith(allowed.get(rooms[room], "lib/")):
            return f"a public header may not include a client's header: {name}"
    return None


def check_include(layers, path, quoted, name, known):
    """One sentence on what is wrong, or None; and the file of the tree that was included."""
    room = room_of(path)
    target = resolve(path, name, quoted, known)
    in_library = path.startswith(("include/", "lib/"))
    if in_library and ".." in pathlib.PurePath(name).parts:
        return f"climbs with ..: {name}", target
    if target and room_of(target):
        return check_own(layers, room, path, name, target), target
    if name.startswith("skald/"):
        return f"{name} does not exist", None
    return check_client(layers, room, path, name), None


def run(root):
    layers = Layers(read(root, "tools/layers.txt"))
    errors = list(layers.errors)
    if cycle := cycle_in(layers.edges):
        errors.append("tools/layers.txt: a cycle: " + " -> ".join(cycle))
    names = files(root, ".h", ".cc", ".inc")
    known, graph, count = set(names), collections.defaultdict(set), 0
    for path in names:
        room = room_of(path)
        if room is None:
            continue
        if room not in layers.edges:
            errors.append(f"{path}: tools/layers.txt has no line for the room {room}")
            continue
        text = read(root, path)
        for match in INCLUDE.finditer(text):
            count += 1
            error, target = check_include(layers, path, match[1] == '"', match[2], known)
            if target and not path.endswith("_inl.h"):  # it may name the header that ends with it
                graph[path].add(target)
            if error:
                line = text.count("\n", 0, match.start(1)) + 1
                errors.append(f"{path}:{line}: {error}")
    if cycle := cycle_in(graph):
        errors.append("headers include each other: " + " -> ".join(cycle))
    if not count:
        errors.append("no #include found: nothing was checked")
    return errors, f"layers: {count} includes in {len(names)} files, {len(layers.edges)} rooms"


def main():
    errors, said = run(pathlib.Path(sys.argv[1]).resolve())
    print("\n".join(errors + [said + (f", {len(errors)} wrong" if errors else "")]))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
