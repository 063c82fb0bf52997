"""Time: zones, instants, spans and the windows between two of them."""
