"""Numbers from the extracted rows: metrics, funnels, statistics, checks."""
