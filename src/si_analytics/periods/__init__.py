"""Time: zones, instants, spans, the windows between two instants, and the periods that days are counted in."""

from si_analytics.calendars import STANDARD, Calendar

__all__ = ["STANDARD", "Calendar"]
