"""The assets, one module for each group: operational, raw, metrics, published, history, reports."""
