"""How a license reaches a site: asked for, downloaded or carried in, installed."""
