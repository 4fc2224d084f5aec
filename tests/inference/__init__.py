"""Tests of generators that are applied to new videos."""
