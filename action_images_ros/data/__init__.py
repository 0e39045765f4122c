"""Episodes and their readers and writers."""
