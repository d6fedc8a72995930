"""The people's side: calls that wait for a person, and who takes them."""
