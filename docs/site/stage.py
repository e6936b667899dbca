"""Puts together the pages that Sphinx makes a site of: the texts of the project where they are, files that they link to, and a
reference of what the programs say of themselves.

  stage.py PROGRAMS OUT    PROGRAMS: the folder of forkcast; OUT is made anew
"""

import pathlib
import re
import shutil
import sys

import reference

TOP = pathlib.Path(__file__).resolve().parents[2]
SITE = pathlib.Path(__file__).resolve().parent
LINK = re.compile(r"(\]\()([^)#:\s]+)((?:#[^)]*)?\))")
FENCE = re.compile(r"^(```.*?^```\s*?$)", re.MULTILINE | re.DOTALL)


def texts():
    """Everything that is written in Markdown, by its path in the project."""
    found = [TOP / "README.md", TOP / "CONTRIBUTING.md"]
    for folder in ["docs", "src", "data", "python"]:
        found += sorted((TOP / folder).rglob("*.md"))
    return [path.relative_to(TOP) for path in found if SITE not in path.parents]


class Stage:
    def __init__(self, out):
        self.out = out
        self.listed = set()

    def write(self, path, text):
        file = self.out / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def copy(self, path):
        (self.out / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / path, self.out / path)

    def page_of(self, folder):
        """A folder is linked as the page in it, or as a list of its files."""
        if (TOP / folder / "README.md").exists():
            return "README.md"
        if folder not in self.listed:
            self.listed.add(folder)
            lines = [f"# {folder}\n"]
            for file in sorted(path for path in (TOP / folder).rglob("*") if path.is_file() and path.suffix != ".md"):
                self.copy(file.relative_to(TOP))
                lines.append(f"- [{file.relative_to(TOP / folder)}]({file.relative_to(TOP / folder)})")
            self.write(folder / "files.md", "---\norphan: true\n---\n" + "\n".join(lines) + "\n")
        return "files.md"

    def linked(self, text, path):
        """The same with folders as pages; files that are linked are there, too."""
        def one(match):
            target = (TOP / path.parent / match[2]).resolve()
            if not target.exists() or TOP not in [target, *target.parents]:
                return match[0]  # Sphinx says so
            if target.is_dir():
                return f"{match[1]}{match[2].rstrip('/')}/{self.page_of(target.relative_to(TOP))}{match[3]}"
            if target.suffix != ".md":
                self.copy(target.relative_to(TOP))
            return match[0]

        parts = FENCE.split(text)
        return "".join(part if part.startswith("```") else LINK.sub(one, part) for part in parts)

    def run(self, programs):
        inside = []
        for path in texts():
            text = (TOP / path).read_text(encoding="utf-8")
            self.write(path, self.linked(text, path))
            if path.parts[0] in ("src", "data", "python"):
                inside.append(path)
        entries = "\n".join(str(path.with_suffix("")) for path in inside)
        self.write("inside.md", "# Code, formats and data\n\nWhat stands beside the code: a page a module, the bytes of each file format, where data come from.\n\n"
                                f"```{{toctree}}\n:maxdepth: 1\n\n{entries}\n```\n")
        self.write("index.md", (SITE / "index.md.in").read_text(encoding="utf-8"))
        for name, text in reference.pages(programs).items():
            self.write(pathlib.Path("reference") / name, text)
        for kind in reference.SCHEMAS:
            self.write(f"_extra/schema/{kind}.schema.json", reference.ask(programs, "schema", kind))
        shutil.copytree(TOP / "docs/images", self.out / "docs/images", dirs_exist_ok=True)
        shutil.copytree(SITE / "static", self.out / "_static")
        shutil.copy(SITE / "conf.py", self.out)


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[2])
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    Stage(out).run(pathlib.Path(sys.argv[1]).resolve())
