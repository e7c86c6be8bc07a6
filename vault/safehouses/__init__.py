"""The web face of housing: searching, opening an address, placing, and keeping the lists."""
