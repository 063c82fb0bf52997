"""Files for people who have nothing installed: the dashboard, workbooks, PDF."""
