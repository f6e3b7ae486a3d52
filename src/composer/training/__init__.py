"""Learn models from music, and measure them."""
