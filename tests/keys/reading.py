"""What a page says, without its markup."""

import html
import re


def plain(page: str) -> str:
    """The words of a page in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())
