"""What extraction and refreshes cost, beside other tools and beside what they could cost at best."""
