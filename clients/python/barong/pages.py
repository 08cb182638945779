"""Iterators over all pages of a list."""

from __future__ import annotations

import copy
from itertools import count
from typing import Callable, Iterator, Mapping, Optional

from barong_management import FilterUsersByLabelParameters, LabelsApi, ListedUser, ListUsersParameters, UsersApi

Page = tuple[list[ListedUser], int, Mapping[str, str]]


class Users(UsersApi):
    """The generated operations on users, and an iterator."""

    def list_all(self, parameters: Optional[ListUsersParameters] = None) -> Iterator[ListedUser]:
        """All users that list_users returns, page by page, from the page of the parameters on.

        A page is asked for when the one before is used up. limit says how many users it has.
        """
        asked = copy.copy(parameters or ListUsersParameters())

        def fetch(page: int) -> Page:
            asked.page = page
            return self.list_users_with_http_info(list_users_parameters=asked)

        return _all(fetch, asked.page)


class Labels(LabelsApi):
    """The generated operations on labels, and an iterator."""

    def filter_all(self, parameters: FilterUsersByLabelParameters) -> Iterator[ListedUser]:
        """All users that filter_users_by_label returns, as Users.list_all has those of list_users."""
        asked = copy.copy(parameters)

        def fetch(page: int) -> Page:
            asked.page = page
            return self.filter_users_by_label_with_http_info(asked)

        return _all(fetch, asked.page)


def _all(fetch: Callable[[int], Page], first: Optional[int]) -> Iterator[ListedUser]:
    for page in count(first or 1):
        users, _, headers = fetch(page)
        yield from users
        if 'rel="next"' not in headers.get("Link", ""):
            return
