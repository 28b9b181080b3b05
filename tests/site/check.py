"""Opens every page of the site in a browser, wide and narrow: check.py SITE.

Fails if a link leads to no file or no heading, if a picture does not load, or if something is wider than the window.
"""
import os
import sys
from urllib.parse import unquote, urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

WINDOWS = ((1280, 900), (390, 800))
ASK = """
const wide = [...document.querySelectorAll('main *')].filter(element => {
    for (let parent = element; parent; parent = parent.parentElement)
        if (getComputedStyle(parent).overflowX == 'auto')
            return false;
    return element.getBoundingClientRect().right > document.documentElement.clientWidth + 1;
});
return {
    scrolls: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    wide: wide.map(element => element.textContent.trim().slice(0, 60)),
    broken: [...document.images].filter(image => !image.complete || !image.naturalWidth).map(image => image.src),
    links: [...document.querySelectorAll('a[href]')].map(link => link.href),
    ids: [...document.querySelectorAll('[id]')].map(element => element.id),
    title: document.title,
};
"""


def open_browser():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.binary_location = "/usr/bin/chromium"
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


def pages_of(site):
    return sorted(os.path.join(directory, name) for directory, _, names in os.walk(site) for name in names
                  if name.endswith(".html"))


def look(browser, pages, problems):
    """What each page has, after looking at it in each window."""
    found = {}
    for width, height in WINDOWS:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        for page in pages:
            browser.get("file://" + page)
            facts = found[page] = browser.execute_script(ASK)
            problems += [f"{page}: at a width of {width} this does not fit: {text}" for text in facts["wide"]]
            problems += [f"{page}: a picture does not load: {picture}" for picture in facts["broken"]]
            if facts["scrolls"]:
                problems.append(f"{page}: scrolls sideways at a width of {width}")
            if not facts["title"]:
                problems.append(f"{page}: has no title")
    return found


def check_links(found, problems):
    count = 0
    for page, facts in found.items():
        for link in facts["links"]:
            parts = urlsplit(link)
            if parts.scheme != "file":
                continue
            count += 1
            path, anchor = unquote(parts.path), unquote(parts.fragment)
            if not os.path.isfile(path):
                problems.append(f"{page}: leads to no file: {link}")
            elif anchor and anchor not in found[path]["ids"]:
                problems.append(f"{page}: leads to no heading: {link}")
    return count


def main():
    pages = pages_of(os.path.abspath(sys.argv[1]))
    problems = []
    browser = open_browser()
    try:
        found = look(browser, pages, problems)
    finally:
        browser.quit()
    links = check_links(found, problems)
    print("\n".join(problems))
    print(f"{len(pages)} pages, {links} links, {len(problems)} problems")
    return 1 if problems or not links else 0


sys.exit(main())
