"""Proposed monitors: read as Datadog reads them, and tried on what has happened.

    row of the table ──reading──▶ a monitor ──sources──▶ its answers, frozen ──evaluation──▶ tried
             └────composites─▶ names of monitors ─definitions─▶ each tried ──statuses──▶ combined

Words: a *monitor* is a condition on metrics, checked every minute; an *alarm* is a stretch of
minutes in which it holds; a *back-test* says when it would have held, in the incident and before.
A *composite* is a condition on the statuses of other monitors.
"""
