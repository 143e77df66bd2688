"""The layer check sees an include that climbs, a cycle and a stray client header."""

import tap
import layers

RULES = """
*: version
version:
base:
store: base
rocksdb: base store
json: base
skald: base store
tests: base store
client rocksdb/: rocksdb+testing tests
client nlohmann/: json+public
"""


class LayersTest(tap.Planted):
    def errors(self, files, rules=RULES):
        good = {
            "tools/layers.txt": rules,
            "include/skald/version.h": "",
            "include/skald/base/bytes.h": '#include "skald/version.h"\n#include <string>\n',
            "include/skald/store/store.h": '#include "skald/base/bytes.h"\n',
        }
        return layers.run(self.plant({**good, **files}))[0]

    def only_error(self, files, rules=RULES):
        errors = self.errors(files, rules)
        self.assertEqual(len(errors), 1, errors)
        return errors[0]

    def test_good(self):
        """A tree that keeps to its layers passes."""
        self.assertEqual(self.errors({"lib/store/a.cc": '#include "skald/store/store.h"\n'}), [])

    def test_climbs(self):
        """An include that climbs from a lower to a higher room fails, with file and line."""
        error = self.only_error({"lib/base/a.cc": '\n#include "skald/store/store.h"\n'})
        self.assertIn("lib/base/a.cc:2: base may not include store", error)

    def test_climbs_in_public_header(self):
        """A public header that climbs fails too."""
        error = self.only_error({"include/skald/base/x.h": "#include <skald/store/store.h>\n"})
        self.assertIn("base may not include store", error)

    def test_dots(self):
        """A path with .. into another room fails."""
        files = {"lib/base/p.h": "", "lib/store/a.cc": '#include "../base/p.h"\n'}
        self.assertIn("climbs with ..", self.only_error(files))

    def test_private_header_of_own_room(self):
        """A room may include its own private header."""
        files = {"lib/store/p.h": "", "lib/store/a.cc": '#include "p.h"\n'}
        self.assertEqual(self.errors(files), [])

    def test_private_header_of_another_room(self):
        """A private header of another room fails, even along an allowed edge."""
        files = {"lib/base/p.h": "", "lib/store/a.cc": '#include "base/p.h"\n'}
        self.assertIn("lib/base/p.h is private to base", self.only_error(files))

    def test_tests_look_inside(self):
        """A test may include a private header."""
        files = {"lib/base/p.h": "", "tests/unit/base/a.cc": '#include "base/p.h"\n'}
        self.assertEqual(self.errors(files), [])

    def test_private_header_climbs(self):
        """A private header that climbs fails like any other file."""
        error = self.only_error({"lib/base/p.h": '#include "skald/store/store.h"\n'})
        self.assertIn("base may not include store", error)

    def test_client_outside_adapter(self):
        """A client's header outside its adapter fails."""
        error = self.only_error({"lib/store/a.cc": '#include "rocksdb/db.h"\n'})
        self.assertIn("store may not include rocksdb/db.h", error)

    def test_client_in_public_header(self):
        """A client's header in its adapter's public header fails."""
        error = self.only_error({"include/skald/rocksdb/open.h": "#include <rocksdb/db.h>\n"})
        self.assertIn("a public header may not include a client's header", error)

    def test_client_in_public_header_by_leave(self):
        """A client's header passes where the adapter's subject is the client's own type."""
        files = {"include/skald/json/codec.h": "#include <nlohmann/json.hpp>\n"}
        self.assertEqual(self.errors(files), [])

    def test_client_in_testing_header_by_leave(self):
        """A client's header passes in the testing folder of an adapter that has leave for that."""
        files = {"include/skald/rocksdb/testing/faults.h": "#include <rocksdb/env.h>\n"}
        self.assertEqual(self.errors(files), [])

    def test_missing_header(self):
        """An include of a header that does not exist fails."""
        error = self.only_error({"lib/base/a.cc": '#include "skald/base/gone.h"\n'})
        self.assertIn("skald/base/gone.h does not exist", error)

    def test_unknown_room(self):
        """A room without a line of its own fails."""
        error = self.only_error({"lib/attic/a.cc": "#include <string>\n"})
        self.assertIn("no line for the room attic", error)

    def test_cycle_of_rooms(self):
        """Edges that come back to where they began fail."""
        rules = RULES.replace("\nbase:\n", "\nbase: store\n")
        self.assertIn("a cycle: base -> store -> base", self.only_error({}, rules))

    def test_cycle_of_headers(self):
        """Headers of one room that include each other fail."""
        files = {
            "include/skald/base/a.h": '#include "skald/base/b.h"\n',
            "include/skald/base/b.h": '#include "skald/base/a.h"\n',
        }
        self.assertIn("headers include each other", self.only_error(files))

    def test_nothing(self):
        """A tree in which nothing was checked fails."""
        root = self.plant({"tools/layers.txt": RULES})
        self.assertIn("no #include found: nothing was checked", layers.run(root)[0])

    def test_own_rules(self):
        """The project's own edges have no cycle and name only rooms."""
        own = layers.Layers(layers.read(tap.ROOT, "tools/layers.txt"))
        self.assertEqual(own.errors, [])
        self.assertIsNone(layers.cycle_in(own.edges))
        self.assertEqual(own.edges["base"], set())


tap.main()
