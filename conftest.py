"""What all tests share: a real browser, whose pages notice every error the browser reports."""

import contextlib
import functools
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunPython
from django.db.migrations.state import StateApps
from django.http import HttpRequest
from django.test import Client
from django.utils import translation
from pytest_django.plugin import blocking_manager_key

from incentives_site.accounts.sessions import cookie_of

KEYS = tempfile.TemporaryDirectory(prefix="survey-keys-")
# Playwright's synchronous API runs an event loop, in which Django would refuse to use the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
# Each worker of the tests has a folder of its own for keys of ballots; programs that tests start find it in their environment.
os.environ["SURVEY_KEYS_DIR"] = KEYS.name
settings.SURVEY_KEYS_DIR = Path(KEYS.name)

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",  # as root and in containers there is no sandbox to be had; only our own pages are opened
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


# What htmx says of a request that was still on its way when its page was left.
LEFT = re.compile(r"error: htmx:(sendAbort|afterRequest), ")


class PageErrors(list[str]):
    """What went wrong in a page: console errors, uncaught exceptions, Content-Security-Policy violations."""

    def assert_none(self, *, but: str = "") -> None:
        """Fails with the list of errors. ``but`` is a regular expression for those the test provokes on purpose."""
        unexpected = [error for error in self if not LEFT.match(error) and not (but and re.search(but, error))]
        assert not unexpected, "The browser reported:\n" + "\n".join(unexpected)


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """A page that was asked for in another language leaves that language behind in its thread."""
    yield
    translation.activate(settings.LANGUAGE_CODE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # ms, as long as actions may take: a busy machine is no fault
    with sync_playwright() as playwright:
        executable = str(CHROMIUM) if CHROMIUM.exists() else None
        launched = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def new_page(browser: Any) -> Iterator[Any]:
    """Makes pages, each in a context of its own (nobody is signed in): ``new_page(width=320, color_scheme="dark")``.

    A page carries ``errors``; the test fails at its end when a page it made reported any that it did not ``clear()``.
    """
    contexts: list[Any] = []
    pages: list[Any] = []

    def make(*, width: int = 1280, height: int = 900, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.errors = PageErrors()
        page.on(
            "console", lambda message: page.errors.append(f"{message.type}: {message.text}") if message.type == "error" else None
        )
        page.on("pageerror", lambda error: page.errors.append(f"exception: {error}"))
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', e => "
            "console.error(`policy violation: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`))"
        )
        pages.append(page)
        return page

    yield make
    for context in contexts:
        context.close()
    for page in pages:
        page.errors.assert_none()


@pytest.fixture
def page(new_page: Any) -> Any:
    """One page, wide screen, light."""
    return new_page()


@pytest.fixture
def full_disk(db: None) -> Callable[[str], AbstractContextManager[None]]:
    """``with full_disk("campaigns_codefilepiece"):`` PostgreSQL answers as with a full disk when the table gets a row."""

    @contextlib.contextmanager
    def fill(table: str) -> Iterator[None]:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$"
            )
            cursor.execute(f"CREATE TRIGGER disk_is_full BEFORE INSERT ON {table} EXECUTE FUNCTION disk_is_full()")
        yield
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION disk_is_full() CASCADE")

    return fill


@pytest.fixture
def migrate_to(transactional_db: None) -> Iterator[Callable[..., StateApps]]:
    """``old = migrate_to("accounts", "0008_without_axes")``: the database as it was after that migration, and its models.

    Names the migration in full, so that later ones of the app change nothing for a test: they are taken back with it, and at
    the end of the test everything is at the latest again, as an app is with ``migrate_to("accounts")``. Models of other apps are
    the present ones.
    """

    def latest() -> None:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())

    def migrate(app: str, name: str = "") -> StateApps:
        executor = MigrationExecutor(connection)
        targets = [(app, name)] if name else executor.loader.graph.leaf_nodes(app)
        executor.migrate(targets)
        executor = MigrationExecutor(connection)  # what is applied is read anew
        return executor.loader.project_state(targets).apps

    yield migrate
    latest()


def _signed_cookie(client: Client, request: HttpRequest, _set: Any = Client._set_login_cookies) -> None:
    """The test client hands its session over as a browser's cookie does: signed."""
    _set(client, request)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    signed = cookie_of(cookie.value)
    cookie.set(cookie.key, signed, signed)


Client._set_login_cookies = _signed_cookie  # type: ignore[method-assign]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests are marked by the fixture they use, and kept in one worker: two browsers starve two cores."""
    for item in items:
        if {"browser", "page", "new_page"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
        # pytest-xdist 3.8 appends the group to a private name that pytest 9.2 no longer reads: groups would have no effect.
        group = item.get_closest_marker("xdist_group")
        if group and getattr(config.option, "loadgroup", False) and "@" not in item.nodeid:
            item._id = type(item._id).parse(f"{item.nodeid}@{group.args[0]}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """A test with real transactions empties every table at its end, also those that migrations filled: they are filled again."""
    yield
    if nextitem is None:
        return  # the last test's teardown has taken the whole database away
    mark = item.get_closest_marker("django_db")
    emptied = {"live_server", "transactional_db", "django_db_reset_sequences"} & set(getattr(item, "fixturenames", ()))
    if emptied or (mark and mark.kwargs.get("transaction")):
        with item.config.stash[blocking_manager_key].unblock():
            _run_data_migrations_again()


def _run_data_migrations_again() -> None:
    with connection.schema_editor() as editor:
        for operation in _data_migrations():
            operation.code(apps, editor)


@functools.cache
def _data_migrations() -> list[RunPython]:
    """Those of our own apps; the tables that migrations of packages fill belong to nobody's test."""
    graph = MigrationLoader(None).graph
    ours = {config.label for config in apps.get_app_configs() if "site-packages" not in config.path}
    return [
        operation
        for node in graph.nodes
        if node[0] in ours
        for operation in graph.nodes[node].operations
        if isinstance(operation, RunPython)
    ]
