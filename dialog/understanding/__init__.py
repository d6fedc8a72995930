"""What a caller means, by rules that survive a recogniser's homophones."""
