"""Properties are about what is true, not about how fast this machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile("azlic", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("azlic")
