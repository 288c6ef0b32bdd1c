"""Where the project and its parts lie."""

from pathlib import Path

__all__ = ["BUILD", "DOCS", "LABS", "NOTEBOOKS", "REQUIREMENTS", "RESULTS", "ROOT"]

ROOT = Path(__file__).resolve().parent.parent
LABS = ROOT / "labs"
NOTEBOOKS = ROOT / "notebooks"
DOCS = ROOT / "docs"
RESULTS = ROOT / "results"
BUILD = ROOT / "build"  # ignored by git: what can be made again
REQUIREMENTS = ROOT / "requirements.txt"
