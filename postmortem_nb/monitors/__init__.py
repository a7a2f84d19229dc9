"""Proposed monitors: read as Datadog reads them, and tried on what has happened.

    row of the table ──reading──▶ a monitor ──▶ its queries, asked and frozen ──▶ the same, thawed
                        expression ┘                        evaluation ◀────────────────┘

Words: a *monitor* is a condition on metrics, checked every minute; an *alarm* is a stretch of
minutes in which it holds; a *back-test* says when it would have held, in the incident and before.
"""
