"""Who has the floor: when the caller has finished, what interrupts the bot, how long nobody has spoken. Pure."""
