"""What crashes leave behind is put right, and what is old is deleted. Each part works when the others fail."""
