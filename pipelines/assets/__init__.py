"""The assets, one module for each group: operational, raw, facts, metrics, published, history, reports."""
