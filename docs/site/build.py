"""Renders the documentation as a site of static pages: build.py SOURCE SITE.

The site is what README.md leads to. A page of Markdown becomes an HTML page, a picture is copied, any other file becomes
a page that shows it, and a directory the page of its README or a list of its files. So no link within the project can
lead to nothing. Pandoc reads and writes the pages; between the two, the links are changed.
"""
import json
import os
import posixpath
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PICTURES = (".svg", ".png")
LANGUAGES = {".c": "c", ".h": "c", ".lua": "lua", ".py": "python", ".sh": "bash", ".txt": "cmake"}
START = "README.md"


def pandoc(text, *arguments):
    return subprocess.run(["pandoc", *arguments], input=text, stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout


def is_elsewhere(target):
    return "://" in target or target.startswith("mailto:")


class Site:
    def __init__(self, source, directory):
        self.source, self.directory = source, directory
        self.waiting = [START]
        self.known = {START}
        self.pages = self.list_of_pages()

    def path(self, name):
        return os.path.join(self.source, name)

    def resolve(self, target):
        """The file that a link means: the README of a directory, if it has one."""
        readme = posixpath.normpath(posixpath.join(target, "README.md"))
        return readme if os.path.isfile(self.path(readme)) else posixpath.normpath(target)

    def page_of(self, name):
        if name == START:
            return "index.html"
        if name.endswith(".md"):
            return name[:-3].replace("README", "index") + ".html"
        if name.endswith(PICTURES):
            return name
        return posixpath.join(name, "index.html") if os.path.isdir(self.path(name)) else name + ".html"

    def link(self, origin, target):
        if is_elsewhere(target) or target.startswith("#"):
            return target
        target, mark, anchor = target.partition("#")
        name = self.resolve(posixpath.join(posixpath.dirname(origin), target))
        if not os.path.exists(self.path(name)):
            raise SystemExit(f"{origin}: there is no {name}")
        return self.way(origin, name) + mark + anchor

    def way(self, origin, name):
        """From the page of a file to that of another one, which is then part of the site."""
        if name not in self.known:
            self.known.add(name)
            self.waiting.append(name)
        return self.way_to_page(origin, self.page_of(name))

    def way_to_page(self, origin, page):
        return posixpath.relpath(page, posixpath.dirname(self.page_of(origin)) or ".")

    # ---- Pages

    def read(self, name):
        """The page as pandoc's tree."""
        path = self.path(name)
        if os.path.isdir(path):
            text = f"# {name}\n\n" + "".join(f"- [{entry}]({entry})\n" for entry in sorted(os.listdir(path)))
            return json.loads(pandoc(text, "-f", "gfm", "-t", "json")), name + "/"
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if name.endswith(".md"):
            return json.loads(pandoc(text, "-f", "gfm", "-t", "json")), name
        tree = json.loads(pandoc(f"# {name}\n", "-f", "gfm", "-t", "json"))
        language = LANGUAGES.get(os.path.splitext(name)[1], "")
        tree["blocks"].append({"t": "CodeBlock", "c": [["", [language], []], text]})
        return tree, name

    def change(self, node, origin):
        """Links lead to pages of the site, wide tables scroll, and comments for the tests are left out."""
        if isinstance(node, list):
            return [self.change(part, origin) for part in node if not self.is_comment(part)]
        if not isinstance(node, dict):
            return node
        node = {key: self.change(value, origin) for key, value in node.items()}
        if node.get("t") in ("Link", "Image"):
            node["c"][2][0] = self.link(origin, node["c"][2][0])
        if node.get("t") == "Table":
            return {"t": "Div", "c": [["", ["wide"], []], [node]]}
        return node

    @staticmethod
    def is_comment(node):
        return isinstance(node, dict) and node.get("t") == "RawBlock" and node["c"][1].startswith("<!--")

    def list_of_pages(self):
        """The pages of the last table of README.md, which lists them: (name, title)."""
        with open(self.path(START), encoding="utf-8") as file:
            tree = json.loads(pandoc(file.read(), "-f", "gfm", "-t", "json"))
        links = []

        def find(node):
            if isinstance(node, list):
                for part in node:
                    find(part)
            elif isinstance(node, dict):
                if node.get("t") == "Link":
                    links.append(node["c"][2][0])
                find(list(node.values()))

        find([block for block in tree["blocks"] if block["t"] == "Table"][-1])
        return [START] + [name for name in links if name.endswith(".md")]

    def title_of(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.readline().lstrip("# ").strip()

    def navigation(self, origin):
        lines = []
        for name in self.pages:
            here = ' aria-current="page"' if name == origin else ""
            lines.append(f'<a href="{self.way(origin, name)}"{here}>{self.title_of(name)}</a>')
        return "\n".join(lines)

    def write(self, name):
        target = os.path.join(self.directory, self.page_of(name))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if name.endswith(PICTURES):
            shutil.copyfile(self.path(name), target)
            return
        tree, origin = self.read(name)
        tree = self.change(tree, origin)
        title = name if not name.endswith(".md") else self.title_of(name)
        html = pandoc(json.dumps(tree), "-f", "json", "-t", "html5", "--standalone",
                      "--template", os.path.join(HERE, "page.html"),
                      "--variable", f"pagetitle={title}", "--variable", f"style={self.way_to_page(name, 'style.css')}",
                      "--variable", f"navigation={self.navigation(name)}")
        with open(target, "w", encoding="utf-8") as file:
            file.write(html)

    def build(self):
        while self.waiting:
            self.write(self.waiting.pop())
        shutil.copyfile(os.path.join(HERE, "style.css"), os.path.join(self.directory, "style.css"))


def main():
    source, directory = sys.argv[1:]
    shutil.rmtree(directory, ignore_errors=True)
    site = Site(source, directory)
    site.build()
    print(f"{len(site.known)} files of the project: {os.path.join(directory, 'index.html')}")


main()
