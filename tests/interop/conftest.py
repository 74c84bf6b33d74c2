"""These tests need the packages of the extra `interop`: nothing may be skipped here."""

import pytest


def never_skipped(report):
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    return never_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return never_skipped((yield))
