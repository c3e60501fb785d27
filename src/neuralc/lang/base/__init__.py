"""What several front ends share."""
