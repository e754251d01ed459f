"""Where results wait until their client asks for them."""
