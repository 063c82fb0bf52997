"""Answers questions to a warehouse: its tables, leaderboards, explanations, differences between refreshes."""
