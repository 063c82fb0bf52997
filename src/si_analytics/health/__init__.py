"""Is everything in place? What `si doctor` looks at."""
