"""The baselines that the whole system is compared with."""
