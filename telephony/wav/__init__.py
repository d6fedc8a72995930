"""A line without a telephone: files or scripts as callers."""
