"""The public names: exactly those of the design, sorted, each importable, none imported early."""

import inspect

import postmortem_nb

EXPECTED = [
    "Archive",
    "Incident",
    "PostmortemError",
    "analyze_datadog_logs",
    "backtest",
    "change_points",
    "get_datadog_metric",
    "get_datadog_revenue",
    "get_datadog_slo",
    "log_patterns",
    "over_represented",
    "search_datadog_events",
    "search_datadog_logs",
    "search_datadog_spans",
]
ARGUMENTS = {
    "search_datadog_logs": [
        "query", "from_", "to", "extra_fields", "sort", "indexes", "storage_tier", "limit",
    ],
    "search_datadog_spans": ["query", "from_", "to", "custom_attributes", "sort", "limit"],
    "search_datadog_events": ["query", "from_", "to", "sort", "limit"],
    "get_datadog_metric": ["queries", "from_", "to", "formulas", "interval"],
}  # fmt: skip


def test_public_names():
    assert postmortem_nb.__all__ == sorted(EXPECTED) == dir(postmortem_nb)
    for name in EXPECTED:
        assert inspect.getdoc(getattr(postmortem_nb, name))


def test_arguments_are_those_of_the_template():
    for name, arguments in ARGUMENTS.items():
        parameters = inspect.signature(getattr(postmortem_nb, name)).parameters
        assert [one for one in parameters if one in arguments] == arguments, name


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(postmortem_nb, "search_datadog_lgos")
