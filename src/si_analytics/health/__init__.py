"""Is everything in place? The checks of `si doctor`."""
