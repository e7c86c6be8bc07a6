"""The databases and the browser that every other test stands on."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy
from playwright.sync_api import Browser, Page

from tests.postgres import Cluster, NoPostgres, find_binaries


def test_each_test_is_given_an_empty_database(engine: sqlalchemy.Engine) -> None:
    with engine.begin() as connection:
        assert sqlalchemy.inspect(connection).get_table_names() == []
        connection.exec_driver_sql("CREATE TABLE left_behind (id integer)")


def test_what_one_test_leaves_behind_another_does_not_find(engine: sqlalchemy.Engine) -> None:
    assert sqlalchemy.inspect(engine).get_table_names() == []


def test_a_rolled_back_table_is_gone_on_both_engines(engine: sqlalchemy.Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE undone (id integer)")
        connection.rollback()
    assert sqlalchemy.inspect(engine).get_table_names() == []


def test_a_template_is_built_once_and_copied(postgres_cluster: Cluster) -> None:
    built = []

    def build(url: str) -> None:
        built.append(url)
        engine = sqlalchemy.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE kept (id integer)")
        engine.dispose()

    for _ in range(2):
        postgres_cluster.make_template("proved", build)
        name = postgres_cluster.fresh_database("proved")
        engine = sqlalchemy.create_engine(postgres_cluster.url(name))
        assert sqlalchemy.inspect(engine).get_table_names() == ["kept"]
        engine.dispose()
        postgres_cluster.drop(name)
    assert len(built) == 1


def test_the_cluster_listens_on_no_network_address(postgres_cluster: Cluster) -> None:
    engine = sqlalchemy.create_engine(postgres_cluster.url("postgres"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW listen_addresses").scalar_one() == ""
        folder = Path(connection.exec_driver_sql("SHOW unix_socket_directories").scalar_one())
    engine.dispose()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_wrong_folder_for_postgresql_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    with pytest.raises(NoPostgres, match="no initdb"):
        find_binaries()


@pytest.mark.parametrize(("required", "verdict"), [("0", "1 skipped"), ("1", "1 error")])
def test_a_missing_database_is_skipped_unless_it_is_required(
    required: str, verdict: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    monkeypatch.setenv("REQUIRE_PG", required)
    wanting = f"{Path(__file__).relative_to(Path.cwd())}::test_the_cluster_listens_on_no_network_address"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:xdist", wanting],
        capture_output=True,
        text=True,
        check=False,
    )
    assert verdict in ran.stdout.splitlines()[-1]


def test_a_page_that_breaks_the_security_policy_is_caught(browser: Browser) -> None:
    complaints: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'self\'">'
    page.route(
        "**/*", lambda route: route.fulfill(content_type="text/html", body=f"{policy}<script>1</script>")
    )
    page.goto("http://localhost/planted")
    page.close()
    assert any("Content Security Policy" in complaint for complaint in complaints)


def test_the_browser_reaches_nobody_but_this_machine(page: Page) -> None:
    with pytest.raises(Exception, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("http://elsewhere.example/")
