"""What `http.fetch` is made of: URLs, addresses, headers, one exchange, and reading what came back."""
