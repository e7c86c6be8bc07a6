"""Partner agencies and the memoranda of understanding with them."""
