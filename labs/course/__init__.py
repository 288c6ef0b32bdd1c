"""From sources to notebooks and back: the commands of learners and maintainers.

It executes kernels and writes files of this project. `doctor` needs nothing but Python: no module is
imported here.
"""

import sys

# jsonschema, which nbformat loads, would compile a grammar of international addresses, for more than half a
# second of every command and every run of pytest. No notebook has a field of that format.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None: it cannot be imported
