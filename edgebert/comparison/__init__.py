"""Artifacts of several bundles side by side: how good, how fast, how large."""
