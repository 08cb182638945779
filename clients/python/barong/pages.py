"""Iterators over all pages of a list."""

from __future__ import annotations

import copy
from itertools import count
from typing import Callable, Iterator, Mapping, Optional, TypeVar

from barong_management import (
    FilterUsersByLabelParameters, LabelsApi, ListedUser, ListServiceAccountsParameters, ListUsersParameters, ServiceAccount,
    ServiceAccountsApi, UsersApi,
)

Entry = TypeVar("Entry")
Page = tuple[list[Entry], int, Mapping[str, str]]


class Users(UsersApi):
    """The generated operations on users, and an iterator."""

    def list_all(self, parameters: Optional[ListUsersParameters] = None) -> Iterator[ListedUser]:
        """All users that list_users returns, page by page, from the page of the parameters on.

        A page is asked for when the one before is used up. limit says how many users it has.
        """
        asked = copy.copy(parameters or ListUsersParameters())

        def fetch(page: int) -> Page[ListedUser]:
            asked.page = page
            return self.list_users_with_http_info(list_users_parameters=asked)

        return _all(fetch, asked.page)


class Labels(LabelsApi):
    """The generated operations on labels, and an iterator."""

    def filter_all(self, parameters: FilterUsersByLabelParameters) -> Iterator[ListedUser]:
        """All users that filter_users_by_label returns, as Users.list_all has those of list_users."""
        asked = copy.copy(parameters)

        def fetch(page: int) -> Page[ListedUser]:
            asked.page = page
            return self.filter_users_by_label_with_http_info(asked)

        return _all(fetch, asked.page)


class ServiceAccounts(ServiceAccountsApi):
    """The generated operations on service accounts, and an iterator."""

    def list_all(self, parameters: Optional[ListServiceAccountsParameters] = None) -> Iterator[ServiceAccount]:
        """All accounts that list_service_accounts returns, as Users.list_all has the users."""
        asked = copy.copy(parameters or ListServiceAccountsParameters())

        def fetch(page: int) -> Page[ServiceAccount]:
            asked.page = page
            return self.list_service_accounts_with_http_info(list_service_accounts_parameters=asked)

        return _all(fetch, asked.page)


def _all(fetch: Callable[[int], Page[Entry]], first: Optional[int]) -> Iterator[Entry]:
    for page in count(first or 1):
        entries, _, headers = fetch(page)
        yield from entries
        if 'rel="next"' not in headers.get("Link", ""):
            return
