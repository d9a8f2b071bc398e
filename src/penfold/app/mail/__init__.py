"""The parts of a server that move mail, wired."""
