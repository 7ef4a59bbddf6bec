"""Print the tests that a run of pytest skipped, of its JUnit file: what there is to run once more is installed.

python .ci/skipped.py first.xml
"""

import sys
import xml.etree.ElementTree as ElementTree

for case in ElementTree.parse(sys.argv[1]).iter("testcase"):
    if case.find("skipped") is not None:
        module, name = case.get("classname"), case.get("name")
        # Of a whole module its name is that of the test.
        print(f"{(module or name).replace('.', '/')}.py" + (f"::{name}" if module else ""))
