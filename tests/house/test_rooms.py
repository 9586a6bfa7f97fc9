"""rooms.py sees what it is there for, in a house made for it; and this house is in order."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import rooms  # pylint: disable=wrong-import-position

PICTURE = "```rooms\nattic\ncellar\n```\n| `attic/` | old things |\n| `cellar/` | wine |\n"


class RoomsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.write("src/README.md", PICTURE)
        self.write("src/rooms.txt", "# a comment\ncellar:\nattic: cellar\n")
        self.write("src/cellar/wine.hpp", "#include <vector>\n")
        self.write("src/attic/box.cpp", '#include "attic/box.hpp"\n#include "cellar/wine.hpp"\n')
        self.write("src/attic/box.hpp", "")
        self.write("include/sallyport/key.hpp", "#include <string>\n")

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def faults(self):
        table = rooms.read_table(self.root / "src/rooms.txt")
        return (rooms.check_circles(table) + rooms.check_includes(table, self.root) + rooms.check_public(self.root)
                + rooms.check_picture(table, self.root / "src/README.md"))

    def test_a_house_in_order(self):
        self.assertEqual(self.faults(), [])

    def test_an_edge_that_is_not_allowed(self):
        self.write("src/cellar/wine.cpp", '\n#include "attic/box.hpp"\n')
        self.assertEqual(self.faults(), ['src/cellar/wine.cpp:2: cellar may not use attic: "attic/box.hpp"'])

    def test_an_edge_by_a_relative_path(self):
        self.write("src/cellar/wine.cpp", '#include "../attic/box.hpp"\n')
        self.assertEqual(len(self.faults()), 1)

    def test_an_edge_that_nothing_needs(self):
        self.write("src/attic/box.cpp", "")
        self.assertEqual(self.faults(), ["src/rooms.txt: attic may use cellar, and nothing there does"])

    def test_a_folder_that_is_no_room(self):
        self.write("src/shed/tool.hpp", "")
        self.assertEqual(self.faults(), ["src/shed/tool.hpp:1: shed is no room of src/rooms.txt"])

    def test_a_circle(self):
        self.write("src/rooms.txt", "cellar: attic\nattic: cellar\n")
        self.write("src/cellar/wine.hpp", '#include "attic/box.hpp"\n')
        self.assertIn("src/rooms.txt: cellar uses attic, which doesn't stand before it", self.faults())

    def test_the_public_headers_lean_on_nobody(self):
        self.write("include/sallyport/key.hpp", '#include "cellar/wine.hpp"\n')
        self.assertEqual(self.faults(), ['include/sallyport/key.hpp:1: include/sallyport may not use "cellar/wine.hpp"'])

    def test_a_picture_upside_down(self):
        self.write("src/README.md", PICTURE.replace("attic\ncellar\n", "cellar\nattic\n"))
        self.assertEqual(self.faults(), ["README.md: attic doesn't stand above cellar, which it uses"])

    def test_a_picture_that_lacks_a_room(self):
        self.write("src/README.md", PICTURE.replace("attic\n", "", 1))
        self.assertEqual(self.faults(), ["README.md: the picture lacks attic"])

    def test_this_house(self):
        self.assertEqual(rooms.main(), 0)


if __name__ == "__main__":
    unittest.main()
