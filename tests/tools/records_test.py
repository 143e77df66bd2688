"""The checks for decision records, links and lengths see what they are there for."""

import tap
import adrs
import lines
import links

RECORD = """# 1. One sync serves all

- Status: Accepted
- Date: 2024-05-01

## Context
A sync is slow.

## Decision
Group.

## Alternatives
None is faster.

## Consequences
Latency is that of a group.
"""


class AdrTest(tap.Planted):
    def errors(self, files):
        return adrs.run(self.plant(files))[0]

    def test_good(self):
        """A whole record passes, with its status in a list or under a heading."""
        other = RECORD.replace("- Status: Accepted", "## Status\n\nAccepted\n")
        files = {"docs/adr/0001-one-sync.md": RECORD, "docs/adr/0002-other.md": other}
        self.assertEqual(self.errors(files), [])

    def test_each_part(self):
        """A record without one of its parts fails and the message names the part."""
        for part in ("Context", "Decision", "Alternatives", "Consequences"):
            errors = self.errors({"docs/adr/0001-a.md": RECORD.replace(f"## {part}", "## Other")})
            self.assertEqual(len(errors), 1, part)
            self.assertIn(f"## {part}", errors[0])
        self.assertIn("Status", self.errors({"docs/adr/0001-a.md": RECORD.replace("Acc", "Exc")})[0])
        self.assertIn("Date", self.errors({"docs/adr/0001-a.md": RECORD.replace("2024", "in")})[0])

    def test_empty_section(self):
        """A section without text fails."""
        self.assertEqual(len(self.errors({"docs/adr/0001-a.md": RECORD.replace("Group.", "")})), 1)

    def test_numbers(self):
        """A gap in the numbers fails, and so does a number that comes twice."""
        files = {"docs/adr/0001-a.md": RECORD, "docs/adr/0003-c.md": RECORD}
        self.assertIn("0002 is missing", self.errors(files)[0])
        files = {"docs/adr/0002-b.md": RECORD, "docs/adr/0002-c.md": RECORD}
        self.assertEqual(len(self.errors(files)), 1)

    def test_name(self):
        """A record with another kind of name fails."""
        self.assertIn("wants the name", self.errors({"docs/adr/1-A.md": RECORD})[0])

    def test_none(self):
        """A tree without records fails."""
        self.assertEqual(len(self.errors({})), 1)


class LinkTest(tap.Planted):
    def errors(self, files):
        return links.run(self.plant(files))[0]

    def test_good(self):
        """Links to files, folders, headings and elsewhere pass."""
        page = "# A B: c!\n[f](docs/x.md#a-heading) [d](docs) [h](#a-b-c) [w](https://x.org/y)\n"
        files = {"a.md": page, "docs/x.md": "## A `heading`\n[up](../a.md)\n"}
        self.assertEqual(self.errors(files), [])

    def test_nowhere(self):
        """A link to a file that does not exist fails, with file and line."""
        self.assertEqual(self.errors({"a.md": "\n[x](gone.md)\n"}), ["a.md:2: the link gone.md leads nowhere"])

    def test_heading(self):
        """A link to a heading that does not exist fails."""
        self.assertIn("no heading #b", self.errors({"a.md": "# A\n[x](#b)\n"})[0])

    def test_outside(self):
        """A link out of the repository fails."""
        self.assertIn("out of the repository", self.errors({"a.md": "[x](../../etc)\n"})[0])

    def test_code(self):
        """What stands in a code block is no link."""
        self.assertEqual(self.errors({"a.md": "```\n[x](gone.md)\n```\n`[y](gone.md)`\n"}), [])


class LinesTest(tap.Planted):
    def test_columns(self):
        """A line of 101 columns fails and one of 100 passes."""
        root = self.plant({"lib/a.cc": "x" * 100 + "\n", "lib/b.h": "\n" + "é" * 101 + "\n"})
        self.assertEqual(lines.run(root)[0], ["lib/b.h:2: 101 columns"])

    def test_hints(self):
        """A big function and a big header are told of and do not fail."""
        body = "int F(\n    int x) {\n" + "  x = 1;\n" * 40 + "}\n"
        table = "constexpr int kX[] = {\n" + "    1,\n" * 40 + "};\n"
        root = self.plant({"lib/a.cc": body + table, "include/b.h": "\n" * 201})
        errors, hints, _ = lines.run(root)
        self.assertEqual(errors, [])
        self.assertEqual(len(hints), 2, hints)
        self.assertIn("lib/a.cc:1: a function of 43 lines", hints[1])


tap.main()
