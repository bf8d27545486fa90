"""The parts of `http.fetch`: URLs, IP addresses, headers, one request and response, and reading the body."""
