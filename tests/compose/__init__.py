"""`python3 dev.py drill compose`: the compose files, started by a real Docker engine that nothing else uses."""
