"""The loop of Windows, imitated on other systems, and what cannot be tested on it."""
