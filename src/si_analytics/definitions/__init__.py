"""What the files under `sql/` declare: read and checked, and run by nobody here."""
