"""What a refresh costs, beside what it could cost at best, in one run on one machine."""
