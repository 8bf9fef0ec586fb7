"""The simulator stands in bench/, beside the package: the tests find it from the root of the tree."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
