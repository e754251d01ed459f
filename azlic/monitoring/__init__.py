"""What monitoring asks: the state of the site, the plugin line, metrics, files for other programs."""
