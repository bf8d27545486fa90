"""Settings: who may do what, and with which tokens programs act for them."""
