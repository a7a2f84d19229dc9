"""What changed? The incident window against a baseline, one call each.

    change_points       when the impact began and ended in a metric, with intervals
    log_patterns        messages that are new or surge
    over_represented    facets and tags that the errors have more often than the rest

Each returns a tidy DataFrame that shows its chart, and whose rows go into the timeline with
``incident.add_to_timeline(found, 0)``. Times are UTC; what is missing is unknown, never 0.
"""

from postmortem_nb.analysis.changepoints import change_points
from postmortem_nb.analysis.facets import over_represented
from postmortem_nb.analysis.patterns import log_patterns

__all__ = ["change_points", "log_patterns", "over_represented"]
