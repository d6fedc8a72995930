"""Adapters that the product ships, each with its card inside."""
