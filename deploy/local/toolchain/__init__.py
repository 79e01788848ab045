"""What the machine must have and what is installed for it: standard library only, since nothing else is there yet."""
