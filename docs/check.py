#!/usr/bin/env python3
"""Checks the book: relative links and their anchors, and that scenarios and profiles in it have no mistakes.

Run from the root of the repository: python3 docs/check.py [path of the revlab command]
"""

import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md")]
PAGES += sorted((ROOT / "docs/src").rglob("*.md"))

# What a block that shows only a part of a scenario needs to be one.
HEAD = 'format = 1\ntitle = "t"\nstart = "2024-01-01T00:00:00Z"\nduration = "1d"\n'
REST = {"[ca.": "\n[ca.issuing]\n", "[sut.": "\n[sut.web]\n", "[clients.": '\n[clients.users]\nevery = "1m"\n'}


def anchor(heading):
    text = re.sub(r"[`*]", "", heading.strip().lower())
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def anchors(page):
    return {anchor(h) for h in re.findall(r"^#+ (.*)$", without_code(page.read_text()), flags=re.M)}


def links(page):
    text = re.sub(r"`[^`\n]*`", "", without_code(page.read_text()))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            yield f"{page.relative_to(ROOT)}: there is no {target}"
        elif fragment and file.suffix == ".md" and fragment not in anchors(file):
            yield f"{page.relative_to(ROOT)}: {target} has no such heading"


def scenarios(page, command):
    for block in re.findall(r"^```toml\n(.*?)^```", page.read_text(), flags=re.M | re.S):
        text, check = block, "lint"
        if re.search(r"^\[parameters\]", block, flags=re.M):
            check = "profiles"
        elif "format = 1" not in block:
            text = HEAD + block + "".join(rest for table, rest in REST.items() if table not in block)
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([command, check, file.name], capture_output=True, text=True)
            if done.returncode != 0:
                yield f"{page.relative_to(ROOT)}: {done.stderr.strip()}\nin\n{block}"


def main():
    command = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "target/release/revlab")
    mistakes = []
    for page in filter(pathlib.Path.exists, PAGES):
        mistakes += links(page)
        if page.is_relative_to(ROOT / "docs/src"):
            mistakes += scenarios(page, command)
    print("\n".join(mistakes) or "no mistakes")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
