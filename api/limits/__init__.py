"""How much may somebody send, how often, and how long may they take?"""
