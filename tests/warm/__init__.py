"""Python processes that tests start by the hundred, forked from one that has loaded the packages already."""
