"""What the service shows over HTTP: its state, its measures, and the record with personal data masked."""
