"""Scenarios, data sets and scores: how the product is measured."""
